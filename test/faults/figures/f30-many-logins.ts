// F30: many sign in at once, and each costs a quarter of a second of a core. Everything else goes on.
import { once } from 'node:events';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { figure } from '../figure';
import type { Lag } from '../lag';
import { milliseconds, row, timeRow, type Row } from '../report';
import type { Answer, Server } from '../server';
import { makeDearHash } from '../template';
import { atRate, delay, timesOf } from '../time';
import { failuresOf } from '../traffic';
import { PASSWORD, type World } from '../world';

const COST = '12';
/** A place in the queue of hashes may be a long way from its front. */
const PATIENCE_MS = 90_000;
/** What is promised on a machine that nothing else uses. The gate has room: a loop that hashing blocks is late by seconds. */
const [LAG_MS, LIVE_MS, REQUEST_MS] = [50, 100, 300];
const ROOM_IN_GATE = 10;

export const f30 = figure({
  id: 'F30',
  title: 'many parallel logins',
  quick: true,
  limitSeconds: { quick: 300, full: 400 },
  turn: 5,
  async alone(world, { quick, machine }): Promise<Row[]> {
    const [people, seconds, room] = quick ? [50, 6, ROOM_IN_GATE] : [200, 120, 1];
    await makeDearHash(world, COST);
    await world.seed(people + seconds * 20);
    const preload = join(__dirname, '..', 'lag.js');
    const server = await world.startServer({ BCRYPT_COST: COST }, { preload });
    let over = false;
    const signingIn = world
      .nextEmails(people)
      .map((email) => signInAgainAndAgain(world, server, email, () => over));
    await delay(2000);
    const begin = performance.now();
    server.child.send({ lag: 'begin' });
    const [live, requests] = await Promise.all([
      atRate(10, seconds * 1000, () => server.api.isLive({ patienceMs: PATIENCE_MS })),
      atRate(10, seconds * 1000, () => world.requestReset(server, world.nextEmail(), PATIENCE_MS)),
    ]);
    const allowance = machine.allowanceSince(begin);
    server.child.send({ lag: 'end' });
    const [lag] = (await once(server.child, 'message')) as [Lag];
    over = true;
    const answers = (await Promise.all(signingIn)).flat();
    const what = `${people} at once for ${seconds} s, bcrypt at cost ${COST}, ${cpus().length} cores`;
    return [
      timeRow(
        `${what}: event loop late, p95 (most)`,
        1,
        `${milliseconds(lag.p95)} (${milliseconds(lag.max)})`,
        `≤ ${milliseconds(room * LAG_MS + allowance)}`,
        lag.p95 <= room * LAG_MS + allowance,
      ),
      ...besideRows('/health/live', live, 200, room * LIVE_MS + allowance),
      ...besideRows('requests', requests, 202, room * REQUEST_MS + allowance),
      signInsRow(answers),
    ];
  },
  async run(world, _, rows) {
    await world.settle(60_000);
    return rows;
  },
});

/** A client that hears that the server is busy waits as long as it says. */
async function signInAgainAndAgain(world: World, server: Server, email: string, isOver: () => boolean) {
  const answers: Answer[] = [];
  while (!isOver()) {
    const answer = await world.login(server, email, PASSWORD, PATIENCE_MS);
    answers.push(answer);
    if (answer.status !== 200) await delay(1000 * Number(answer.headers['retry-after'] ?? 1));
  }
  return answers;
}

function besideRows(what: string, answers: Answer[], status: number, limitMs: number) {
  const p95 = timesOf(answers, 0.95);
  const failed = failuresOf(answers.filter((answer) => answer.status !== status));
  return [
    row(`${what} beside it: failed`, answers.length, failed.text, 'none', failed.n === 0),
    timeRow(
      `${what} beside it, p95`,
      answers.length,
      milliseconds(p95),
      `≤ ${milliseconds(limitMs)}`,
      p95 <= limitMs,
    ),
  ];
}

function signInsRow(answers: Answer[]) {
  const served = answers.filter(({ status }) => status === 200).length;
  const busy = answers.filter(({ status, headers }) => status === 503 && headers['retry-after']).length;
  const others = failuresOf(answers.filter(({ status }) => status !== 200 && status !== 503));
  return row(
    'sign-ins served, answered 503, other answers',
    answers.length,
    `${served}, ${busy}, ${others.text}`,
    'some, any, none',
    served > 0 && others.n === 0,
  );
}
