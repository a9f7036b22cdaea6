// F17: the database answers, but every statement takes seconds: first for few people, then for more than there are connections.
import { figure } from '../figure';
import { milliseconds, row } from '../report';
import type { Answer, Server } from '../server';
import { atRate, inParallel, timesOf, until } from '../time';
import { failuresOf, succeeded } from '../traffic';
import type { World } from '../world';

/** Of the wire, each way; a statement goes there and back. */
const DELAYS_MS: Record<'quick' | 'full', [low: number, high: number]> = {
  quick: [50, 400],
  full: [100, 2500],
};
const RATE = 10;
const LIMIT_MS = 10_000;
/** Of those that take many statements, each within its own limits. */
const PATIENCE_MS = 150_000;
const POOL = 10;

export const f17 = figure({
  id: 'F17',
  title: 'the database is slow',
  limitSeconds: { quick: 400, full: 700 },
  async run(world, { quick, say, random }) {
    const delays = DELAYS_MS[quick ? 'quick' : 'full'];
    const [seconds, links] = quick ? [6, 4] : [120, 30];
    await world.seed(links + seconds * RATE + 1000);
    const wire = await world.addWire();
    const worker = await world.startServer({ ROLE: 'worker' });
    const server = await world.startServer({ ROLE: 'web', DATABASE_POOL_SIZE: String(POOL) }, { wire });
    const tokens = await world.linksFor(server, world.nextEmails(links));
    const [before, beside] = [tokens.slice(0, links / 2), tokens.slice(links / 2)];
    wire.delayMs = () => random.between(...delays);
    say('for few');
    const few = await inParallel(before, 4, ({ email, token }) => confirm(world, server, email, token));
    say(`for ${RATE} a second, for ${seconds} s`);
    const [many, late] = await Promise.all([
      traffic(world, server, seconds),
      inParallel(beside, 2, ({ email, token }) => confirm(world, server, email, token)),
    ]);
    wire.delayMs = 0;
    const recovery = await until(() => servesAll(world, server), 30_000, 100);
    const exits = server.unexpectedExits + worker.unexpectedExits;
    await world.settle(60_000);
    const range = delays.map((ms) => (2 * ms) / 1000).join(' to ');
    return rowsOf(`every statement takes ${range} s`, [...few, ...many, ...late], recovery, exits);
  },
});

function traffic(world: World, server: Server, seconds: number) {
  const ACTS = {
    request: () => world.requestReset(server, world.nextEmail()),
    login: () => world.login(server, world.nextEmail(), undefined, PATIENCE_MS),
    live: () => server.api.isLive(),
  };
  const other = ['live', 'login', 'live'] as const;
  return atRate(RATE, seconds * 1000, async (n) => {
    const act = n % 3 === 2 ? other[Math.floor((n % 9) / 3)]! : 'request';
    return { act, ...(await ACTS[act]()) };
  });
}

/** With more patience. */
async function confirm(world: World, server: Server, email: string, token: string) {
  const answer = await world.confirm(server, email, token, undefined, PATIENCE_MS);
  return { act: 'confirm', ...answer };
}

/** As many at once as there are connections: one that is held for good would be missing. */
async function servesAll(world: World, server: Server) {
  const requests = Array.from({ length: POOL }, () => world.requestReset(server, world.nextEmail()));
  return (await Promise.all(requests)).every(({ status }) => status === 202);
}

interface Acted extends Answer {
  act: string;
}

function rowsOf(what: string, answers: Acted[], recovery = Infinity, exits: number) {
  const slowest = (act: string) =>
    timesOf(
      answers.filter((answer) => answer.act === act),
      1,
    );
  const served = answers.filter(succeeded).length;
  const busy = answers.filter(({ status, headers }) => status === 503 && headers['retry-after']).length;
  const others = failuresOf(answers.filter((answer) => !succeeded(answer) && answer.status !== 503));
  return [
    row(
      `${what}: the slowest request; the slowest health check`,
      answers.length,
      `${milliseconds(slowest('request'))}; ${milliseconds(slowest('live'))}`,
      `≤ ${LIMIT_MS / 1000} s; ≤ 1 s`,
      slowest('request') <= LIMIT_MS && slowest('live') <= 1000,
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
