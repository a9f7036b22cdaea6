// F43: among many mails there are some that can never be sent: accounts whose stored address is none (somebody has written the
// rows by hand), and queued mails that cannot be written. The others go out in time, and of these an operator can see.
import { figure } from '../figure';
import { milliseconds, row, timeRow } from '../report';
import type { Server } from '../server';
import { cli } from '../template';
import { atRate, quantile, until } from '../time';
import type { World } from '../world';

/** What an address may be made into. None of them may reach the mail server, nor anybody that they name. */
const ADDRESSES = [
  'a@evil.example,b@evil.example',
  'all: a@evil.example, b@evil.example;',
  'a@evil.example\r\nBcc: b@evil.example',
  'a@evil.example>\r\nRCPT TO:<b@evil.example',
  '"a b"@evil.example',
  'Susan <a@evil.example>',
  'nobody',
];
/** Mails as no program of ours would queue them. */
const MAILS = [
  { to: 'c@evil.example', locale: null, template: { name: 'no-such-template', subject: 'x' }, values: {} },
  { to: 'c@evil.example', locale: null, template: { name: '../../package.json', subject: 'x' }, values: {} },
  {
    to: 'c@evil.example',
    locale: null,
    template: { name: 'confirm-email', subject: 'x' },
    values: {},
    links: { confirmUrl: null },
  },
];
const PARKED = "queue = 'mail' AND state = 'waiting' AND tries > 0";
const REQUESTS_A_SECOND = 20;
/** More in the quick run, on a machine that is busy with other figures. */
const LATEST_MS = { quick: 30_000, full: 10_000 };

export const f43 = figure({
  id: 'F43',
  title: 'mails that can never be sent, among others',
  limitSeconds: { quick: 400, full: 400 },
  async run(world, { quick, random }) {
    const n = quick ? 60 : 1000;
    await world.seed(n);
    const keys = await addHostileAccounts(world);
    const server = await world.startServer();
    await addHostileMails(world);
    const emails = random.shuffle([...world.nextEmails(n), ...keys]);
    const requestedAt = new Map<string, number>();
    // Slower than mails leave, so that none waits for others of its kind.
    const request = async (email: string) => {
      requestedAt.set(email, Date.now());
      if (keys.includes(email)) await mustRequest(server, email);
      else await world.requestReset(server, email);
    };
    let next = 0;
    await atRate(
      REQUESTS_A_SECOND,
      () => next < emails.length,
      () => request(emails[next++]!),
    );
    const others = [...world.requested.keys()];
    await until(() => others.every((email) => world.sink.newestTo.has(email)), 60_000);
    const times = others.map(
      (email) => (world.sink.newestTo.get(email)?.at ?? Infinity) - requestedAt.get(email)!,
    );
    await until(async () => (await world.countMailsWith('mail_bounced')) >= keys.length, 60_000, 200);
    const strangers = [...world.sink.attempts.keys()].filter((to) => !world.requested.has(to));
    const bounced = await world.countMailsWith('mail_bounced');
    return [
      othersRow(times, quick ? LATEST_MS.quick : LATEST_MS.full),
      row(
        'accounts whose address is none: mails to whatever address of theirs; refused once, on record',
        keys.length,
        `${strangers.length}; ${bounced}`,
        `0; ${keys.length}`,
        strangers.length === 0 && bounced === keys.length,
      ),
      await parkedRow(world),
    ];
  },
});

async function addHostileAccounts({ database, name }: World) {
  const keys = ADDRESSES.map((_, k) => `poison${k}@${name}.example.com`);
  await database.query(
    `INSERT INTO latchkey.users (id, email, email_key, username, password_hash, created_at)
     SELECT gen_random_uuid(), email, key, 'Susan', (SELECT password_hash FROM latchkey.users WHERE email = 'first@example.com'), now()
     FROM unnest($1::text[], $2::text[]) AS hostile (email, key)`,
    [ADDRESSES, keys],
  );
  return keys;
}

/** Not in the record of requests: the account has another address than the one that is typed. */
async function mustRequest(server: Server, email: string) {
  const { status, error } = await server.api.requestReset(email);
  if (status !== 202) throw new Error(`a request was answered with ${status ?? error}`);
}

async function addHostileMails({ database }: World) {
  for (const data of MAILS)
    await database.query(
      "INSERT INTO latchkey.jobs (id, queue, data, request_id) VALUES (gen_random_uuid(), 'mail', $1, 'poison')",
      [JSON.stringify(data)],
    );
}

/** They are tried for three days; here the days have gone by after the first try. */
async function parkedRow(world: World) {
  const waiting = () => world.count(`SELECT count(*)::int AS n FROM latchkey.jobs WHERE ${PARKED}`);
  await until(async () => (await waiting()) === MAILS.length, 30_000, 100);
  const retried = await waiting();
  await world.database.query(
    `UPDATE latchkey.jobs SET added_at = now() - interval '3 days 1 minute', due_at = now() WHERE ${PARKED}`,
  );
  await world.settle(30_000);
  const listed = await cli(world.cluster, ['mail', 'list', '--state', 'dead'], {
    DATABASE_URL: world.cluster.url(world.name),
  });
  const dead = listed.split('\n').filter((line) => line.includes('  dead ')).length;
  const alarms = await world.countMailsWith('mail_given_up');
  return row(
    'mails that cannot be written: put off; dead and listed after three days; on record as given up',
    MAILS.length,
    `${retried}; ${dead}; ${alarms}`,
    `${MAILS.length} each`,
    [retried, dead, alarms].every((count) => count === MAILS.length),
  );
}

function othersRow(times: number[], latestMs: number) {
  const p95 = quantile(times, 0.95);
  const missing = times.filter((ms) => ms === Infinity).length;
  return timeRow(
    'mails beside those: p95 from the request; missing',
    times.length,
    `${milliseconds(p95)}; ${missing}`,
    `≤ ${latestMs / 1000} s; 0`,
    p95 <= latestMs && missing === 0,
  );
}
