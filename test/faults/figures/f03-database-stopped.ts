// F3: PostgreSQL stops as by a loss of power, and starts again. What was acknowledged is there, and the program is the same process.
import { figure } from '../figure';
import { milliseconds, row } from '../report';
import type { Server } from '../server';
import { delay, quantile, rounds, until } from '../time';
import { beginTraffic, failuresOf } from '../traffic';
import type { World } from '../world';

const RATE = 30;

export const f03 = figure({
  id: 'F3',
  title: 'PostgreSQL stops immediately, and starts',
  quick: true,
  limitSeconds: { quick: 400, full: 900 },
  turn: 1,
  async alone(world, { quick, say, random }) {
    const [most, seconds] = quick ? [2, 30] : [60, 240];
    await world.seed(quick ? 5000 : 40_000);
    const server = await world.startServer();
    const { pid } = server;
    const stopTraffic = beginTraffic(world, RATE, () => server);
    const recoveries: number[] = [];
    for (const n of rounds(most, seconds)) {
      await delay(random.between(1000, 3000));
      await world.cluster.stop();
      await delay(random.between(0, 1000));
      await world.cluster.start();
      recoveries.push((await until(() => serves(world, server), 30_000)) ?? Infinity);
      if (n % 10 === 0) say(`${n} of ${most} stops`);
    }
    await delay(2000);
    return { server, pid, recoveries, answers: await stopTraffic() };
  },
  async run(world, _, { server, pid, recoveries, answers }) {
    const stops = recoveries.length;
    await world.settle(120_000);
    const slowest = quantile(recoveries, 1);
    const same = server.alive && server.pid === pid && server.unexpectedExits === 0;
    return [
      row(
        `${RATE} people a second; serving again, at the latest`,
        stops,
        milliseconds(slowest),
        '≤ 10 s',
        slowest <= 10_000,
      ),
      row('same process after all', stops, same ? 'yes' : 'no', 'yes', same),
      honestRow(answers),
    ];
  },
});

async function serves(world: World, server: Server) {
  return (await world.requestReset(server, world.nextEmail())).status === 202;
}

/** Refused is fine, and unknown where the connection broke; an internal error is not. */
function honestRow(answers: Awaited<ReturnType<ReturnType<typeof beginTraffic>>>) {
  const wrong = answers.filter(({ ok, status }) => !ok && status !== 503);
  const { n, text } = failuresOf(wrong);
  return row('answers that are neither success nor 503', answers.length, `${n} (${text})`, '0', n === 0);
}
