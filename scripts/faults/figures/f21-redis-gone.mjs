// F21: limits are counted in Redis, and Redis is there and silent; then it is gone. What cannot be counted is not done.
import { Redis } from '../redis.mjs';
import { milliseconds, row } from '../report.mjs';
import { atRate, inParallel, quantile, until } from '../time.mjs';

const RATE = 20;
const SLOW_MAIL_MS = 400;
/** A counter is waited for this long, and a busy machine adds something. */
const LIMIT_MS = 2000 + 1500;

export const f21 = {
  id: 'F21',
  title: 'Redis is silent, then gone, and comes back',
  limitSeconds: { quick: 90, full: 400 },
  async run(world, { quick, say }) {
    if (!Redis.isInstalled) {
      say('skipped: there is no redis-server');
      return [row('skipped: there is no redis-server here', 0, 'not measured', '–', true)];
    }
    return measure(world, await world.addRedis(), quick, say);
  },
};

async function measure(world, redis, quick, say) {
  const [mails, gone, silent] = quick ? [20, 4, 4] : [200, 60, 30];
  await world.seed(2 * mails + (gone + silent) * RATE + 1000);
  const env = { REDIS_URL: redis.url, LIMIT_PER_MINUTE: '20', MAILS_PER_HOUR: '100000' };
  const server = await world.startServer(env);
  const { pid } = server;
  const tokens = await world.tokensFor(server, world.nextEmails(mails));

  redis.pause();
  say(`silent for ${silent} s`);
  const answersSilent = await writes(world, server, silent, tokens);
  redis.goOn();
  const afterSilent = await servesAgain(world, server);

  // Mails are counted too: these are accepted, and cannot be counted when their turn comes.
  world.sink.react = (phase) => (phase === 'body' ? { afterMs: SLOW_MAIL_MS } : undefined);
  await inParallel(world.nextEmails(mails), 10, (email) => world.ask(server, email));
  await redis.stop();
  say(`gone for ${gone} s`);
  const answersGone = await writes(world, server, gone, tokens);
  const putOff = await world.count(
    "SELECT count(*)::int AS n FROM latchkey_jobs.job WHERE name = 'password-reset' AND state = 'retry'",
  );
  await redis.start();
  const afterGone = await servesAgain(world, server);

  world.sink.react = () => undefined;
  const late = await inParallel([...tokens], 4, ([email, [token]]) => world.confirm(server, email, token));
  const settled = await world.settle(120_000);
  const good = late.filter(({ status }) => status === 204).length;
  const same = server.alive && server.pid === pid && server.unexpectedExits === 0;
  return [
    ...rowsOf(`silent for ${silent} s`, answersSilent, afterSilent),
    ...rowsOf(`gone for ${gone} s`, answersGone, afterGone),
    row(
      'accepted before, and not counted in time: mails put off; all jobs done; lost ones: see I1',
      mails,
      `${putOff}; ${settled === undefined ? 'no' : 'yes'}`,
      'some; yes',
      putOff > 0 && settled !== undefined,
    ),
    row(
      'links of before are good after; same process',
      tokens.size,
      `${good}; ${same ? 'yes' : 'no'}`,
      `${tokens.size}; yes`,
      good === tokens.size && same,
    ),
  ];
}

/** Whatever is limited, in turn: asks, sign-ins, registrations, uses of a link. */
function writes(world, server, seconds, tokens) {
  const links = [...tokens];
  const ACTS = [
    async () => ({ act: 'ask', ...(await world.ask(server, world.nextEmail())) }),
    async (n) => ({ act: 'login', ...(await world.login(server, links[n % links.length][0])) }),
    async (n) => ({ act: 'register', ...(await register(world, server, n)) }),
    async (n) => {
      const [email, [token]] = links[n % links.length];
      return { act: 'confirm', ...(await world.confirm(server, email, token)) };
    },
  ];
  return atRate(RATE, seconds * 1000, (n) => ACTS[n % ACTS.length](Math.floor(n / ACTS.length)));
}

function register(world, server, n) {
  const body = { email: `new${n}@${world.name}.example.com`, username: 'New', password: world.newPassword() };
  return server.call('POST', '/api/users', { body });
}

/** @returns milliseconds */
function servesAgain(world, server) {
  return until(async () => (await world.ask(server, world.nextEmail())).status === 202, 30_000, 50);
}

function rowsOf(what, answers, recovery) {
  const dishonest = answers.filter((answer) => !isHonest(answer));
  const [example] = dishonest;
  const sample = example ? `, e.g. ${example.act} ${example.status ?? example.error}` : '';
  const p99 = quantile(
    answers.map(({ ms }) => ms),
    0.99,
  );
  return [
    row(
      `${what}: answers that are no 503 with Retry-After; their time, p99`,
      answers.length,
      `${dishonest.length}${sample}; ${milliseconds(p99)}`,
      `0; ≤ ${LIMIT_MS} ms`,
      dishonest.length === 0 && p99 <= LIMIT_MS,
    ),
    row(`${what}: serving again after`, 1, milliseconds(recovery), '≤ 10 s', recovery <= 10_000),
  ];
}

const isHonest = ({ status, headers }) =>
  status === 503 &&
  headers['content-type']?.startsWith('application/problem+json') &&
  Boolean(headers['retry-after']);
