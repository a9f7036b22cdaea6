// F17: the database answers, but every statement takes seconds: first for few people, then for more than there are connections.
import { milliseconds, row } from '../report.mjs';
import { atRate, inParallel, quantile, until } from '../time.mjs';
import { failuresOf } from '../traffic.mjs';

/** Of the wire, each way; a statement goes there and back. */
const DELAYS_MS = { quick: [50, 400], full: [100, 2500] };
const RATE = 10;
const LIMIT_MS = 10_000;
/** Of those that take many statements, each within its own limits. */
const PATIENCE_MS = 150_000;
const POOL = 10;

export const f17 = {
  id: 'F17',
  title: 'the database is slow',
  limitSeconds: { quick: 120, full: 500 },
  async run(world, { quick, say, random }) {
    const [seconds, links, delays] = quick ? [6, 4, DELAYS_MS.quick] : [120, 30, DELAYS_MS.full];
    await world.seed(links + seconds * RATE + 1000);
    const wire = await world.addWire();
    const worker = await world.startServer({ ROLE: 'worker' });
    const server = await world.startServer({ ROLE: 'web', DATABASE_POOL_SIZE: String(POOL) }, { wire });
    const tokens = [...(await world.tokensFor(server, world.nextEmails(links)))];
    const [before, beside] = [tokens.slice(0, links / 2), tokens.slice(links / 2)];
    wire.delayMs = () => random.between(...delays);
    say('for few');
    const few = await inParallel(before, 4, ([email, [token]]) => confirm(world, server, email, token));
    say(`for ${RATE} a second, for ${seconds} s`);
    const [many, late] = await Promise.all([
      traffic(world, server, seconds),
      inParallel(beside, 2, ([email, [token]]) => confirm(world, server, email, token)),
    ]);
    wire.delayMs = 0;
    const recovery = await until(() => servesAll(world, server), 30_000, 100);
    const exits = server.unexpectedExits + worker.unexpectedExits;
    await world.settle(60_000);
    const range = delays.map((ms) => (2 * ms) / 1000).join(' to ');
    return rowsOf(`every statement takes ${range} s`, [...few, ...many, ...late], recovery, exits);
  },
};

function traffic(world, server, seconds) {
  const ACTS = {
    ask: () => world.ask(server, world.nextEmail()),
    login: () => world.login(server, world.nextEmail(), undefined, PATIENCE_MS),
    live: () => server.call('GET', '/health/live'),
  };
  const acts = ['ask', 'ask', 'live', 'ask', 'login', 'ask', 'live', 'ask', 'ask', 'ask'];
  return atRate(RATE, seconds * 1000, async (n) => {
    const act = acts[n % acts.length];
    return { act, ...(await ACTS[act]()) };
  });
}

/** As {@link World.confirm}, with more patience. */
async function confirm(world, server, email, token) {
  const body = { token, password: world.newPassword() };
  const answer = await server.call('POST', '/api/password-reset/confirm', { body, patienceMs: PATIENCE_MS });
  world.confirmations.push({ email, token, password: body.password, status: answer.status });
  return { act: 'confirm', ...answer };
}

/** As many at once as there are connections: one that is held for good would be missing. */
async function servesAll(world, server) {
  const asks = Array.from({ length: POOL }, () => world.ask(server, world.nextEmail()));
  return (await Promise.all(asks)).every(({ status }) => status === 202);
}

function rowsOf(what, answers, recovery, exits) {
  const slowest = (act) =>
    quantile(
      answers.filter((answer) => answer.act === act).map(({ ms }) => ms),
      1,
    );
  const served = answers.filter(({ status }) => status < 300).length;
  const busy = answers.filter(({ status, headers }) => status === 503 && headers['retry-after']).length;
  const others = failuresOf(answers.filter(({ status }) => !(status < 300) && status !== 503));
  return [
    row(
      `${what}: the slowest ask; the slowest health check`,
      answers.length,
      `${milliseconds(slowest('ask'))}; ${milliseconds(slowest('live'))}`,
      `≤ ${LIMIT_MS / 1000} s; ≤ 1 s`,
      slowest('ask') <= LIMIT_MS && slowest('live') <= 1000,
    ),
    row(
      'of many statements: the slowest sign-in; the slowest confirmation',
      answers.length,
      `${milliseconds(slowest('login'))}; ${milliseconds(slowest('confirm'))}`,
      'any: each statement has its limit, all together have none',
      true,
    ),
    row(
      'served, 503 with Retry-After, other answers',
      answers.length,
      `${served}, ${busy}, ${others.text}`,
      'some, any, none',
      served > 0 && others.n === 0,
    ),
    row(
      `serving ${POOL} at once after, with as many connections; unexpected exits`,
      1,
      `${milliseconds(recovery)}; ${exits}`,
      '≤ 10 s; 0',
      recovery <= LIMIT_MS && exits === 0,
    ),
  ];
}
