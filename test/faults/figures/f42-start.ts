// F42: a start without a mail server, and starts with one wrong setting each. (Starts without a database: test/server/start.e2e-spec.ts)
import { execFile } from 'node:child_process';
import { figure } from '../figure';
import { milliseconds, row } from '../report';
import { program } from '../server';
import { inParallel, timesOf } from '../time';
import { SECRET_KEY, type World } from '../world';

/** What no setting may be; nobody may read it in the complaint. */
const WRONG = 'wrong-value-of-somebody';
const KEYS =
  `NODE_ENV PORT ROLE SHUTDOWN_DELAY PUBLIC_URL RESET_URL SECRET_KEY SECRET_KEY_PREVIOUS PASSWORD_PEPPER DATABASE_URL
  DATABASE_POOL_SIZE MAIL_PORT ADMINS RESET_TOKEN_TTL RESET_COOLDOWN RESET_MAILS_PER_HOUR RESET_QUIET_PERIOD LIMIT_PER_MINUTE
  LIMIT_PER_HOUR MAILS_PER_HOUR REDIS_URL CORS_ORIGINS TRUST_PROXY PASSWORD_MIN_LENGTH BCRYPT_COST PASSWORD_BREACH_CHECK SESSION_TTL
  SESSION_IDLE_TTL AUDIT_RETENTION_DAYS DEFAULT_LOCALE LOG_LEVEL API_DOCS`.split(/\s+/);
const PATIENCE_MS = 30_000;

export const f42 = figure({
  id: 'F42',
  title: 'starts without a mail server, and with wrong settings',
  limitSeconds: { quick: 300, full: 300 },
  async run(world, { quick, random }) {
    const n = quick ? 10 : 100;
    await world.seed(n);
    await world.sink.stop();
    const server = await world.startServer();
    const emails = world.nextEmails(n);
    const answers = await inParallel(emails, 5, (email) => world.requestReset(server, email));
    await world.sink.start();
    const settled = await world.settle(60_000);
    const taken = answers.filter(({ status }) => status === 202).length;
    const keys = quick ? random.shuffle(KEYS).slice(0, 4) : KEYS;
    const complaints = await inParallel(keys, 2, (key) => complaintAbout(world, key));
    return [
      row(
        'ready without a mail server; requests taken; mails when there is one, the last after',
        n,
        `yes; ${taken}; ${world.messages.length}, ${milliseconds(settled)}`,
        `yes; ${n}; ${n}, ≤ 60 s`,
        taken === n && world.messages.length === n && settled !== undefined,
      ),
      complaintsRow(complaints),
    ];
  },
});

/** @returns what was wrong with how it ended, if anything, and how long that took */
function complaintAbout({ folder, cluster, name }: World, key: string): Promise<Complaint> {
  const env = {
    PATH: process.env.PATH,
    DATABASE_URL: cluster.url(name),
    MAIL_SERVER: '127.0.0.1',
    SECRET_KEY,
    [key]: WRONG,
  };
  const begin = performance.now();
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [program('main')],
      { cwd: folder, env, timeout: PATIENCE_MS },
      (error, output, text) => {
        const wrong: string[] = [];
        if (error?.code !== 1) wrong.push(`ended with ${error?.code ?? error?.signal ?? 0}`);
        if (!text.includes(`${key}:`)) wrong.push('is not named');
        if (`${output}${text}`.includes(WRONG)) wrong.push('is shown');
        resolve({ key, wrong, ms: performance.now() - begin });
      },
    );
  });
}

interface Complaint {
  key: string;
  wrong: string[];
  ms: number;
}

function complaintsRow(complaints: Complaint[]) {
  const bad = complaints.filter(({ wrong }) => wrong.length > 0);
  const slowest = timesOf(complaints, 1);
  const sample = bad[0] ? `, e.g. ${bad[0].key} ${bad[0].wrong.join(', ')}` : '';
  return row(
    'one wrong setting each: not exit 1, its name, and no word of its value; ended after, at most',
    complaints.length,
    `${bad.length}${sample}; ${milliseconds(slowest)}`,
    '0; any',
    bad.length === 0,
  );
}
