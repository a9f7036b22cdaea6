// Breaks the built program in every way that has a promise, and measures whether the promise holds.
// Usage: npm run faults [-- --quick] [-- --only F2,F7] [-- --seed 7]
// Needs the programs of a PostgreSQL, of which it makes a cluster of its own. The table on stdout is the result; the exit
// status is 1 where a figure is not as promised. The whole run takes less than 45 minutes on two cores, --quick about 5.
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { Cluster } from './cluster.mjs';
import { figures } from './figures/index.mjs';
import { runAll } from './lanes.mjs';
import { say, seconds, table } from './report.mjs';
import { killAll } from './server.mjs';
import { makeTemplate } from './template.mjs';

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1e9)) },
  },
});
const wanted = options.only?.toUpperCase().split(',');
const chosen = figures.filter(({ id }) => !wanted || wanted.includes(id.toUpperCase()));
if (chosen.length === 0) {
  process.stderr.write(`There is no such figure. There are ${figures.map(({ id }) => id).join(', ')}.\n`);
  process.exit(2);
}

say(`seed ${options.seed}, ${options.quick ? 'quick' : 'full'}, ${chosen.map(({ id }) => id).join(' ')}`);
const cluster = await Cluster.start();
process.on('exit', () => {
  killAll();
  cluster.destroy();
});
// What a figure that was given up has left behind may fail on its own; the others go on.
process.on('unhandledRejection', (error) => say(`left behind: ${error.message}`));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(130));

const template = await makeTemplate(cluster);
say('PostgreSQL is ready');
const rows = await runAll(chosen, { cluster, template, seed: options.seed, quick: options.quick });
console.log(table(rows));
const failed = rows.filter(({ ok }) => !ok).length;
const profile = options.quick ? 'quick' : 'full';
console.log(
  `\n${rows.length - failed} of ${rows.length} as promised; ${profile}, seed ${options.seed}, ${Math.round(seconds())} s, load of the machine ${loadavg()[1].toFixed(1)}`,
);
process.exit(failed > 0 ? 1 : 0);
