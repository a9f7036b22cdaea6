// Measures whether the time of an answer tells who has an account.
// Usage: npm run measure:enumeration [-- --samples 2000] [-- --mail-server slow]
// Needs DATABASE_URL: a database of its own is made there and dropped. The built server runs in a process of its own, beside a mail server that answers at once and then one that answers after five seconds. Classes of addresses are
// requested in random order, one request after the other. A table tells how well a single time tells each class from an
// unknown address (AUC; 0.5 is guessing), and how well its shadow does: the time of health checks right after the answer,
// when this process (ROLE=all) may already be at work on what was requested.
import { spawn, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { SMTPServer } from 'smtp-server';
import { RestClient, type Answer } from '../support/rest-client';
import { areaUnderCurve, median } from './rank-statistic';

const { values: options } = parseArgs({
  options: { samples: { type: 'string', default: '2000' }, 'mail-server': { type: 'string' } },
});
const SAMPLES = Number(options.samples);
const PORT = 3929;
const PASSWORD = 'correct horse battery staple';
const FAILURES_THAT_BLOCK = 101;
const SLOW_MS = 5000;
/** How long after an answer its shadow is watched, and of how many requests of a class: it takes long. */
const SHADOW_MS = 40;
const SHADOW_SAMPLES = Math.min(SAMPLES, 500);
/** Combining marks in the order that takes longest to normalize. */
const LONG_PASSWORD = `a${'\u0345'.repeat(16_300)}${'\u0334'.repeat(16_300)}`;
const dist = resolve(__dirname, '..', '..', 'dist');

const api = new RestClient(PORT, { connections: 1 });

/** @returns the mean time of health checks from now on, one after the other */
async function shadow() {
  const times: number[] = [];
  for (const begin = performance.now(); performance.now() - begin < SHADOW_MS;)
    times.push((await api.isLive()).ms);
  return times.reduce((sum, ms) => sum + ms, 0) / times.length;
}

const address = (kind: string, n: number | string) => `${kind}.${n}@example.com`;

interface Route {
  classes: string[];
  send: (kind: string, n: number | string) => Promise<Answer>;
  expected: number;
}

/** The requests that are compared, by the class of the address. The n-th of a class has an address of its own. */
const ROUTES: Record<string, Route> = {
  request: {
    classes: ['unknown', 'known', 'disabled', 'unverified', 'over the cap'],
    send: (kind, n) => api.requestReset(address(`request-${slug(kind)}`, n)),
    expected: 202,
  },
  // Everybody but "known" comes with the right password, where there is one.
  login: {
    classes: ['unknown', 'known', 'disabled', 'unverified', 'over the cap'],
    send: (kind, n) =>
      api.login(address(`login-${slug(kind)}`, n), kind === 'known' ? `${PASSWORD} not` : PASSWORD),
    expected: 401,
  },
  'login-long': {
    classes: ['unknown', 'known', 'disabled', 'unverified', 'over the cap'],
    send: (kind, n) => api.login(address(`login-long-${slug(kind)}`, n), LONG_PASSWORD),
    expected: 401,
  },
  registration: {
    classes: ['unknown', 'known', 'disabled', 'unverified', 'over the cap'],
    send: (kind, n) =>
      api.register({
        email: address(`registration-${slug(kind)}`, n),
        username: 'Susan',
        password: `${PASSWORD} ${n}`,
      }),
    expected: 202,
  },
};

function slug(kind: string) {
  return kind.replaceAll(' ', '-');
}

/** Accounts of every class; one of them is made by the program, the others share its hash. */
async function seed(database: pg.Client, env: NodeJS.ProcessEnv) {
  execFileSync(
    'node',
    [join(dist, 'cli.js'), 'users', 'create', '--email', 'first@example.com', '--username', 'S'],
    {
      env,
      input: PASSWORD,
    },
  );
  const classes = {
    known: 'NULL, NULL',
    disabled: 'now(), NULL',
    unverified: 'NULL, now()',
    'over the cap': 'NULL, NULL',
  };
  for (const route of Object.keys(ROUTES)) {
    for (const [kind, states] of Object.entries(classes)) {
      await database.query(
        `INSERT INTO latchkey.users (id, email, email_key, username, password_hash, created_at, disabled_at, unverified_since)
         SELECT gen_random_uuid(), mail, mail, 'Susan', (SELECT password_hash FROM latchkey.users WHERE email = 'first@example.com'),
           now(), ${states}
         FROM generate_series(0, $1::int - 1) n, concat($2::text, '.', n, '@example.com') mail`,
        [SAMPLES, `${route}-${slug(kind)}`],
      );
    }
  }
  await database.query(`
    INSERT INTO latchkey.password_resets (id, user_id, created_at, expires_at)
    SELECT gen_random_uuid(), id::text, now(), now() FROM latchkey.users, generate_series(1, 5)
    WHERE email LIKE 'request-over-the-cap.%'`);
  await database.query(`
    INSERT INTO latchkey.registrations (id, email, email_key, username, created_at, mailed_at)
    SELECT gen_random_uuid(), email, email, 'Susan', now(), now() FROM latchkey.users, generate_series(1, 5)
    WHERE email LIKE 'registration-over-the-cap.%'`);
  await database.query(
    `INSERT INTO latchkey.limit_counters (key, points, expire)
     SELECT key, $1, (extract(epoch FROM now()) + 86400) * 1000 FROM unnest($2::text[]) key`,
    [
      FAILURES_THAT_BLOCK,
      ['login', 'login-long'].flatMap((route) =>
        Array.from({ length: SAMPLES }, (_, n) => failuresOf(address(`${route}-over-the-cap`, n))),
      ),
    ],
  );
  await database.query('ANALYZE');
}

/** Under which key the wrong passwords of an account are counted, which has the password of its beginning. */
function failuresOf(email: string) {
  return `login-failures-account:${createHash('sha256').update(`1 ${email}`).digest('base64url')}`;
}

async function startServer(env: NodeJS.ProcessEnv) {
  const child = spawn('node', [join(dist, 'main.js')], { env, stdio: ['ignore', 'ignore', 'inherit'] });
  for (;;) {
    if ((await api.isReady()).status === 200) return child;
    if (child.exitCode !== null) throw new Error('The server has ended.');
    await delay(50);
  }
}

async function startMailServer(answerAfterMs: number) {
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS', 'AUTH'],
    onData: (stream, _session, answer) => {
      stream.on('end', () => setTimeout(() => answer(), answerAfterMs)).resume();
    },
  });
  // The program is killed in the end, with its connections.
  server.on('error', () => undefined);
  await new Promise<void>((fulfill) => server.listen(0, '127.0.0.1', fulfill));
  return server;
}

interface Times {
  answers: number[];
  shadows: number[];
}

async function measure(route: string) {
  const { classes, send, expected } = ROUTES[route]!;
  const turns = shuffle(classes.flatMap((kind) => Array.from({ length: SAMPLES }, (_, n) => ({ kind, n }))));
  const times: Record<string, Times> = {};
  for (const kind of classes) times[kind] = { answers: [], shadows: [] };
  // The first requests find cold caches; they are not counted.
  for (let n = 0; n < 200; n++) await send('unknown', `warm-up-${n}`);
  for (const { kind, n } of turns) {
    const { status, ms } = await send(kind, n);
    if (status !== expected) throw new Error(`${route}, ${kind}: status ${status}`);
    times[kind]!.answers.push(ms);
    if (n < SHADOW_SAMPLES) times[kind]!.shadows.push(await shadow());
  }
  return times;
}

function shuffle<T>(items: T[]): T[] {
  for (let i = items.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [items[i], items[j]] = [items[j]!, items[i]!];
  }
  return items;
}

/** A database of its own beside that of `DATABASE_URL`. */
async function makeDatabase() {
  const url = new URL(process.env.DATABASE_URL!);
  const name = `latchkey_enumeration_${process.pid}`;
  const administer = async (sql: string) => {
    const client = new pg.Client(process.env.DATABASE_URL);
    await client.connect();
    await client.query(sql).finally(() => client.end());
  };
  await administer(`CREATE DATABASE ${name}`);
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => administer(`DROP DATABASE ${name} WITH (FORCE)`) };
}

async function underCondition(condition: string, answerAfterMs: number) {
  const database = await makeDatabase();
  const mailServer = await startMailServer(answerAfterMs);
  const env = {
    PATH: process.env.PATH,
    DATABASE_URL: database.url,
    MAIL_SERVER: '127.0.0.1',
    MAIL_PORT: String((mailServer.server.address() as AddressInfo).port),
    PORT: String(PORT),
    SECRET_KEY: 'Yw3kq9Zr7Lm2Tx8Vb5Nc1Hd6Jf4Gs0Pq',
    TRUST_PROXY: '1',
    MAILS_PER_HOUR: '0',
    // A cheap hash hides less of what stands beside it.
    BCRYPT_COST: '4',
    LOG_LEVEL: 'warn',
  };
  execFileSync('node', [join(dist, 'cli.js'), 'migrate'], { env });
  const client = new pg.Client(database.url);
  await client.connect();
  await seed(client, env);
  await client.end();
  const server = await startServer(env);
  try {
    for (const route of Object.keys(ROUTES)) report(condition, route, await measure(route));
  } finally {
    server.kill('SIGKILL');
    await once(server, 'exit');
    mailServer.close();
    await database.drop();
  }
}

function report(condition: string, route: string, { unknown, ...classes }: Record<string, Times>) {
  if (!unknown) throw new Error('nothing was measured');
  for (const [kind, times] of Object.entries(classes)) {
    const gap = median(times.answers) - median(unknown.answers);
    const cells = [
      ...[condition, route, kind, times.answers.length, median(times.answers).toFixed(2), gap.toFixed(3)],
      ...comparison(times.answers, unknown.answers),
      ...comparison(times.shadows, unknown.shadows),
    ];
    process.stdout.write(`| ${cells.join(' | ')} |\n`);
  }
}

/** @returns how well one class is told from the other, between what, and whether that is as good as guessing */
function comparison(times: number[], others: number[]) {
  const { auc, low, high } = areaUnderCurve(times, others);
  const verdict = Math.abs(auc - 0.5) <= 0.02 ? 'yes' : 'NO';
  return [auc.toFixed(3), `${low.toFixed(3)} to ${high.toFixed(3)}`, verdict];
}

async function main() {
  if (!process.env.DATABASE_URL) throw new Error('DATABASE_URL is not set');
  process.stdout.write(
    '| mail server | route | class | n | median ms | gap to unknown, ms | AUC | 95 % interval | 0.50 ± 0.02 | shadow AUC | 95 % interval | 0.50 ± 0.02 |\n',
  );
  process.stdout.write('|---|---|---|---|---|---|---|---|---|---|---|---|\n');
  if (options['mail-server'] !== 'slow') await underCondition('idle', 0);
  if (options['mail-server'] !== 'idle') await underCondition(`answers in ${SLOW_MS / 1000} s`, SLOW_MS);
  process.exit(0);
}

void main();
