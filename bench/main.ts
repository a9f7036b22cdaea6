// Measures the built program: see docs/performance.md.
// Usage: npm run bench [-- --quick] [-- --only known,flood] [-- --users 1000000] [-- --rounds 5]
//   --json FILE  where the numbers go, of each round and by name (build/bench.json)
//   --dir PATH   measures another checkout of this project beside it, in turn (installed and built)
//   --peer URL   sends the same requests to another program; --peer-body is the body of one, with {email}
// Needs Linux and the programs of a PostgreSQL with its contrib modules, of which it makes a cluster of its own.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { say } from '../test/faults/report';
import { Checkout, PROJECT } from './checkout';
import { Cluster } from './cluster';
import { figures, type Figure, type Peer } from './figures';
import { Helper } from './helper';
import { describeMachine, resultOf, table, type Result } from './report';
import type { Bench, Measured, Size } from './stand';

const FULL: Size = {
  seconds: 15,
  warmUpSeconds: 8,
  warmUpMails: 2000,
  rounds: 3,
  users: 110_000,
  backlog: 100_000,
  flood: 60_000,
  patience: 300,
};
const QUICK: Size = {
  seconds: 4,
  warmUpSeconds: 2,
  warmUpMails: 300,
  rounds: 1,
  users: 20_000,
  backlog: 10_000,
  flood: 3000,
  patience: 60,
};

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    users: { type: 'string' },
    rounds: { type: 'string' },
    dir: { type: 'string' },
    peer: { type: 'string' },
    'peer-body': { type: 'string', default: '{"email":"{email}"}' },
    json: { type: 'string', default: 'build/bench.json' },
  },
});

/** A program under measure. @returns nothing where a figure is not for it */
interface Program {
  name: string;
  commit?: string;
  measure(figure: Figure): Promise<Measured> | undefined;
}

async function main() {
  const wanted = options.only?.split(',');
  const chosen = figures.filter(({ name }) => !wanted || wanted.includes(name));
  if (wanted && chosen.length < wanted.length)
    throw new Error(`The figures are ${figures.map(({ name }) => name).join(', ')}.`);
  const size = { ...(options.quick ? QUICK : FULL) };
  if (options.users) size.users = Number(options.users);
  if (options.rounds) size.rounds = Number(options.rounds);
  const machine = describeMachine();
  const cluster = await Cluster.start();
  const bench: Bench = {
    size,
    cluster,
    driver: new Helper('driver'),
    rawHash: new Helper('raw-hash'),
    sink: new Helper('sink'),
  };
  try {
    const programs = await programsOf(bench);
    const results: Result[] = [];
    const versions = programs.map(({ name, commit }) => ({ name, commit }));
    const about = { machine: { ...machine, postgres: await cluster.version() }, size, programs: versions };
    mkdirSync(dirname(options.json), { recursive: true });
    for (const figure of chosen) {
      results.push(...(await measure(figure, programs, size.rounds).catch(failed)));
      // At once: a long run may be cut off.
      writeFileSync(options.json, `${JSON.stringify({ ...about, results }, undefined, 2)}\n`);
    }
    process.stdout.write(`${table(results, 'this')}\n\n${JSON.stringify(about.machine)}\n`);
  } finally {
    for (const helper of [bench.driver, bench.rawHash, bench.sink]) helper.stop();
    await cluster.close();
  }
}

async function programsOf(bench: Bench): Promise<Program[]> {
  const port = Number(await bench.sink.call({ ask: 'port' }));
  const checkout = (name: string, folder: string): Program => {
    const one = new Checkout(name, folder, bench.cluster, bench.size.users, port);
    process.on('exit', () => one.close());
    return { name, commit: one.commit, measure: (figure) => figure.measure(bench, one) };
  };
  const programs = [checkout('this', PROJECT)];
  if (options.dir) programs.push(checkout('other', resolve(options.dir)));
  if (options.peer) {
    const peer: Peer = { url: new URL(options.peer), body: options['peer-body'] };
    programs.push({ name: 'peer', measure: (figure) => figure.measurePeer?.(bench, peer) });
  }
  return programs;
}

/** The other figures are measured all the same. */
function failed(error: Error): Result[] {
  process.stderr.write(`${error.stack}\n`);
  process.exitCode = 1;
  return [];
}

/** In turn, so that what else the machine does meets all of them. */
async function measure(figure: Figure, programs: Program[], rounds: number): Promise<Result[]> {
  const measured = new Map<string, Measured[]>();
  for (let round = 1; round <= rounds; round++) {
    for (const program of programs) {
      const one = await program.measure(figure);
      if (!one) continue;
      measured.set(program.name, [...(measured.get(program.name) ?? []), one]);
      say(`${figure.name}, ${program.name}, ${round} of ${rounds}: ${one.value.toFixed(1)} ${figure.unit}`);
    }
  }
  return [...measured].map(([program, all]) => resultOf(figure, program, all));
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(130));

main().catch(failed);
