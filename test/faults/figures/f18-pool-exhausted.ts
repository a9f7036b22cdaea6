// F18: all connections to the database are held up, and ten times as many requests come.
import pg from 'pg';
import { figure } from '../figure';
import { milliseconds, row, timeRow, type Row } from '../report';
import type { Answer, Server } from '../server';
import { delay, quantile, until } from '../time';
import type { World } from '../world';

const POOL = 10;
const HELD_MS = 6000;
/** The wait for a connection that is promised, and what a busy machine adds. */
const LIMIT_MS = 2500;
/** Those that have a connection wait for a lock, which may take a second longer. */
const HOLDERS_LIMIT_MS = 3500;

export const f18 = figure({
  id: 'F18',
  title: 'the pool of connections is exhausted',
  limitSeconds: { quick: 300, full: 300 },
  turn: 4,
  async alone(world, { quick, machine }): Promise<Row[]> {
    const begin = performance.now();
    const rounds = quick ? 1 : 10;
    await world.seed(rounds * POOL * 10 + 1000);
    const server = await world.startServer({ DATABASE_POOL_SIZE: String(POOL) });
    const connections = watchConnections(world);
    const answers: Answer[] = [];
    const recoveries: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const release = await holdUp(world);
      const requests = Array.from({ length: POOL * 10 }, () => world.requestReset(server, world.nextEmail()));
      await delay(HELD_MS);
      await release();
      recoveries.push((await until(() => servesAll(world, server), 20_000, 100)) ?? Infinity);
      answers.push(...(await Promise.all(requests)));
    }
    return rowsOf(answers, recoveries, await connections(), machine.allowanceSince(begin));
  },
  async run(world, _, rows) {
    await world.settle(60_000);
    return rows;
  },
});

/** Whoever wants to add a job waits, and keeps a connection. */
async function holdUp({ cluster, name }: World) {
  const client = new pg.Client(cluster.url(name));
  await client.connect();
  await client.query('BEGIN; LOCK TABLE latchkey.jobs IN ACCESS EXCLUSIVE MODE');
  return async () => {
    await client.query('COMMIT');
    await client.end();
  };
}

async function servesAll(world: World, server: Server) {
  const requests = Array.from({ length: POOL }, () => world.requestReset(server, world.nextEmail()));
  return (await Promise.all(requests)).every(({ status }) => status === 202);
}

function watchConnections(world: World) {
  let [most, over] = [0, false];
  const watching = (async () => {
    while (!over) {
      const sql =
        "SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'latchkey'";
      most = Math.max(most, await world.count(sql));
      await delay(200);
    }
  })();
  return async () => {
    over = true;
    await watching;
    return most;
  };
}

function rowsOf(answers: Answer[], recoveries: number[], connections: number, allowance: number) {
  const refused = answers.filter(({ status }) => status === 503);
  const others = answers.filter(({ status }) => status !== 503 && status !== 202);
  const waits = refused.map(({ ms }) => ms);
  const holders = POOL * recoveries.length;
  const waited = quantile(waits.sort((a, b) => a - b).slice(0, -holders), 1);
  const longest = quantile(waits, 1);
  const slowest = quantile(recoveries, 1);
  const held = refused.length >= answers.length / 2;
  return [
    row(
      `${POOL} connections held for ${HELD_MS / 1000} s: answers 503; other answers`,
      answers.length,
      `${refused.length}; ${others.length}`,
      'at least half; 0',
      held && others.length === 0,
    ),
    timeRow(
      '503 for want of a connection after; 503 for those that have one after',
      refused.length,
      `${milliseconds(waited)}; ${milliseconds(longest)}`,
      `≤ ${milliseconds(LIMIT_MS + allowance)}; ≤ ${milliseconds(HOLDERS_LIMIT_MS + allowance)}`,
      waited <= LIMIT_MS + allowance && longest <= HOLDERS_LIMIT_MS + allowance,
    ),
    row('connections at most', answers.length, `${connections}`, `≤ ${POOL}`, connections <= POOL),
    row(
      'serving all again after, at most',
      recoveries.length,
      milliseconds(slowest),
      '≤ 5 s',
      slowest <= 5000,
    ),
  ];
}
