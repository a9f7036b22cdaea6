// Breaks the built program in every way that has a promise, and checks that the promise holds.
// Usage: npm run faults [-- --quick] [-- --only F2,F7] [-- --seed 7]
// Needs the programs of a PostgreSQL, of which it makes a cluster of its own. The table on stdout is the result; the exit
// status is 1 where a figure is not as promised. The whole run takes less than 45 minutes on two cores, --quick about three:
// it runs a smaller size of the figures that prove what no other test proves.
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { Cluster } from './cluster';
import { figures } from './figures/index';
import { runAll } from './lanes';
import { Machine } from './machine';
import { say, seconds, table } from './report';
import { killAll } from './server';
import { makeTemplate } from './template';

async function main() {
  const { values: options } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      seed: { type: 'string', default: String(Math.floor(Math.random() * 1e9)) },
    },
  });
  const { quick, seed } = options;
  const wanted = options.only?.toUpperCase().split(',');
  const chosen = figures.filter((one) =>
    wanted ? wanted.includes(one.id.toUpperCase()) : !quick || one.quick,
  );
  if (chosen.length === 0) {
    process.stderr.write(`There is no such figure. There are ${figures.map(({ id }) => id).join(', ')}.\n`);
    process.exit(2);
  }
  const profile = quick ? 'quick' : 'full';
  say(`seed ${seed}, ${profile}, ${chosen.map(({ id }) => id).join(' ')}`);
  const cluster = await Cluster.start();
  process.on('exit', () => {
    killAll();
    cluster.destroy();
  });
  // What a figure that was given up has left behind may fail on its own; the others go on.
  process.on('unhandledRejection', (error: Error) => say(`left behind: ${error.message}`));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(130));

  const template = await makeTemplate(cluster);
  const machine = await Machine.start();
  say('PostgreSQL is ready');
  const rows = await runAll(chosen, { cluster, machine, template, seed, quick });
  machine.stop();
  const failed = rows.filter(({ ok }) => !ok).length;
  const load = loadavg()[1]!.toFixed(1);
  process.stdout.write(
    `${table(rows)}\n\n${rows.length - failed} of ${rows.length} as promised; ${profile}, seed ${seed}, ${Math.round(seconds())} s, load of the machine ${load}\n`,
  );
  for (const { figure, what, result, expected } of rows.filter(({ ok }) => !ok))
    process.stdout.write(`NOT as promised: ${figure}: ${what}: ${result} (expected: ${expected})\n`);
  // A quick run shares its machine with whatever else the gate does: there a time is a hint, and a promise a promise.
  const broken = rows.filter(({ ok, kind }) => !ok && !(quick && kind === 'time'));
  process.exit(broken.length > 0 ? 1 : 0);
}

void main();
