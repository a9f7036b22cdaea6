// F21: limits are counted in Redis, and Redis is there and silent; then it is gone. What cannot be counted is not done.
import { figure, type Profile } from '../figure';
import { Redis } from '../redis';
import { milliseconds, row, timeRow } from '../report';
import type { Answer, Server } from '../server';
import { atRate, inParallel, timesOf, until } from '../time';
import type { World } from '../world';

const RATE = 20;
const SLOW_MAIL_MS = 400;
/** A counter is waited for two seconds. */
const LIMIT_MS = 3500;

export const f21 = figure({
  id: 'F21',
  title: 'Redis is silent, then gone, and comes back',
  quick: true,
  limitSeconds: { quick: 400, full: 400 },
  async run(world, profile) {
    if (!Redis.isInstalled) {
      profile.say('skipped: there is no redis-server');
      return [row('skipped: there is no redis-server here', 0, 'not measured', '–', true)];
    }
    return measure(world, await world.addRedis(), profile);
  },
});

interface Link {
  email: string;
  token: string;
}

async function measure(world: World, redis: Redis, { quick, say, machine }: Profile) {
  const [mails, gone, silent] = quick ? [12, 4, 4] : [200, 60, 30];
  const begin = performance.now();
  await world.seed(2 * mails + (gone + silent) * RATE + 1000);
  const env = { REDIS_URL: redis.url, LIMIT_PER_MINUTE: '20', MAILS_PER_HOUR: '100000' };
  const server = await world.startServer(env);
  const { pid } = server;
  const tokens = await world.linksFor(server, world.nextEmails(mails));

  redis.pause();
  say(`silent for ${silent} s`);
  const answersSilent = await writes(world, server, silent, tokens);
  redis.goOn();
  const afterSilent = await servesAgain(world, server);

  // Mails are counted too: of these, accepted before, some leave on what was reserved, and the others have to wait.
  world.sink.react = (phase) => (phase === 'body' ? { afterMs: SLOW_MAIL_MS } : undefined);
  await inParallel(world.nextEmails(mails), 10, (email) => world.requestReset(server, email));
  await redis.stop();
  say(`gone for ${gone} s`);
  const answersGone = await writes(world, server, gone, tokens);
  const putOff = await world.count(
    "SELECT count(*)::int AS n FROM latchkey.jobs WHERE queue = 'password-reset' AND state = 'waiting' AND tries > 0",
  );
  await redis.start();
  const afterGone = await servesAgain(world, server);

  world.sink.react = () => undefined;
  const late = await inParallel(tokens, 4, ({ email, token }) => world.confirm(server, email, token));
  const settled = await world.settle(120_000);
  const good = late.filter(({ status }) => status === 204).length;
  const same = server.alive && server.pid === pid && server.unexpectedExits === 0;
  const limitMs = LIMIT_MS + machine.allowanceSince(begin);
  return [
    ...rowsOf(`silent for ${silent} s`, answersSilent, afterSilent, limitMs),
    ...rowsOf(`gone for ${gone} s`, answersGone, afterGone, limitMs),
    row(
      'accepted before, and not reserved: mails put off; all jobs done; lost ones: see I1',
      mails,
      `${putOff}; ${settled === undefined ? 'no' : 'yes'}`,
      'any; yes',
      settled !== undefined,
    ),
    row(
      'links of before are good after; same process',
      tokens.length,
      `${good}; ${same ? 'yes' : 'no'}`,
      `${tokens.length}; yes`,
      good === tokens.length && same,
    ),
  ];
}

/** Whatever is limited, in turn: asks, sign-ins, registrations, uses of a link. */
function writes(world: World, server: Server, seconds: number, links: Link[]) {
  const linkOf = (n: number) => links[n % links.length]!;
  const ACTS = [
    async () => ({ act: 'request', ...(await world.requestReset(server, world.nextEmail())) }),
    async (n: number) => ({ act: 'login', ...(await world.login(server, linkOf(n).email)) }),
    async (n: number) => ({ act: 'register', ...(await register(world, server, n)) }),
    async (n: number) => {
      const { email, token } = linkOf(n);
      return { act: 'confirm', ...(await world.confirm(server, email, token)) };
    },
  ];
  return atRate(RATE, seconds * 1000, (n) => ACTS[n % ACTS.length]!(Math.floor(n / ACTS.length)));
}

function register(world: World, server: Server, n: number) {
  const email = `new${n}@${world.name}.example.com`;
  return server.api.register({ email, username: 'New', password: world.newPassword() });
}

/** @returns milliseconds */
function servesAgain(world: World, server: Server) {
  return until(async () => (await world.requestReset(server, world.nextEmail())).status === 202, 30_000, 50);
}

interface Acted extends Answer {
  act: string;
}

function rowsOf(what: string, answers: Acted[], recovery: number | undefined, limitMs: number) {
  const dishonest = answers.filter((answer) => !isHonest(answer));
  const [example] = dishonest;
  const sample = example ? `, e.g. ${example.act} ${example.status ?? example.error}` : '';
  const p95 = timesOf(answers, 0.95);
  return [
    row(
      `${what}: answers that are no 503 with Retry-After`,
      answers.length,
      `${dishonest.length}${sample}`,
      '0',
      dishonest.length === 0,
    ),
    timeRow(
      `${what}: time of those answers, p95`,
      answers.length,
      milliseconds(p95),
      `≤ ${milliseconds(limitMs)}`,
      p95 <= limitMs,
    ),
    row(`${what}: serving again after`, 1, milliseconds(recovery), '≤ 30 s', recovery !== undefined),
  ];
}

function isHonest({ status, headers }: Answer) {
  const isProblem = headers['content-type']?.startsWith('application/problem+json') ?? false;
  return status === 503 && isProblem && Boolean(headers['retry-after']);
}
