// F30: many sign in at once, and each costs a quarter of a second of a core. Everything else goes on.
import { once } from 'node:events';
import { join } from 'node:path';
import { cpus } from 'node:os';
import { milliseconds, row } from '../report.mjs';
import { makeDearHash } from '../template.mjs';
import { failuresOf } from '../traffic.mjs';
import { atRate, delay, quantile } from '../time.mjs';
import { PASSWORD } from '../world.mjs';

const PEOPLE = 200;
const COST = '12';
/** A place in the queue of hashes may be a long way from its front. */
const PATIENCE_MS = 60_000;

export const f30 = {
  id: 'F30',
  title: '200 parallel logins',
  limitSeconds: { quick: 120, full: 300 },
  turn: 5,
  async alone(world, { quick }) {
    const seconds = quick ? 10 : 120;
    await makeDearHash(world, COST);
    await world.seed(PEOPLE + seconds * 20);
    const preload = join(import.meta.dirname, '..', 'lag.cjs');
    const server = await world.startServer({ BCRYPT_COST: COST }, { preload });
    let over = false;
    const people = world
      .nextEmails(PEOPLE)
      .map((email) => signInAgainAndAgain(world, server, email, () => over));
    await delay(2000);
    server.child.send({ lag: 'begin' });
    const [live, asks] = await Promise.all([
      atRate(10, seconds * 1000, () => server.call('GET', '/health/live')),
      atRate(10, seconds * 1000, () => world.ask(server, world.nextEmail())),
    ]);
    server.child.send({ lag: 'end' });
    const [lag] = await once(server.child, 'message');
    over = true;
    const answers = (await Promise.all(people)).flat();
    return rowsOf({ seconds, lag, live, asks, answers });
  },
  async run(world, _, rows) {
    await world.settle(60_000);
    return rows;
  },
};

/** Who is told that the server is busy waits as long as it says. */
async function signInAgainAndAgain(world, server, email, isOver) {
  const answers = [];
  while (!isOver()) {
    const answer = await world.login(server, email, PASSWORD, PATIENCE_MS);
    answers.push(answer);
    if (answer.status !== 200) await delay(1000 * Number(answer.headers?.['retry-after'] ?? 1));
  }
  return answers;
}

function rowsOf({ seconds, lag, live, asks, answers }) {
  const p99 = (list) =>
    quantile(
      list.map(({ ms }) => ms),
      0.99,
    );
  const served = answers.filter(({ status }) => status === 200).length;
  const busy = answers.filter(({ status, headers }) => status === 503 && headers['retry-after']).length;
  const failed = (list, status) => list.filter((answer) => answer.status !== status).length;
  const others = failuresOf(answers.filter(({ status }) => ![200, 503].includes(status)));
  const what = `${PEOPLE} at once for ${seconds} s, bcrypt at cost ${COST}, ${cpus().length} cores`;
  return [
    row(
      `${what}: event loop late, p99 (most)`,
      1,
      `${milliseconds(lag.p99)} (${milliseconds(lag.max)})`,
      '≤ 50 ms',
      lag.p99 <= 50,
    ),
    row(
      '/health/live beside it, p99; failed',
      live.length,
      `${milliseconds(p99(live))}; ${failed(live, 200)}`,
      '≤ 100 ms; 0',
      p99(live) <= 100 && failed(live, 200) === 0,
    ),
    row(
      'asks beside it, p99; failed',
      asks.length,
      `${milliseconds(p99(asks))}; ${failed(asks, 202)}`,
      '≤ 300 ms; 0',
      p99(asks) <= 300 && failed(asks, 202) === 0,
    ),
    row(
      'sign-ins served, told to come later, other answers',
      answers.length,
      `${served}, ${busy}, ${others.text}`,
      'some, any, none',
      served > 0 && others.n === 0,
    ),
  ];
}
