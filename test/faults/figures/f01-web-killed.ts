// F1: the process that takes requests is killed at any moment. What it has answered with 202 is mailed.
import { figure } from '../figure';
import { milliseconds, row, timeRow } from '../report';
import { atRate, delay, quantile, rounds } from '../time';

const RATE = 50;
const STARTS = 20;

export const f01 = figure({
  id: 'F1',
  title: 'kill -9 of the web process',
  quick: true,
  limitSeconds: { quick: 400, full: 1500 },
  turn: 2,
  /** How long a start takes is measured while there is nothing else to do; the gate measures it in a step of its own. */
  async alone(world, { quick, machine }) {
    const web = await world.startServer({ ROLE: 'web' });
    const begin = performance.now();
    const starts: number[] = [];
    for (let n = 0; n < (quick ? 0 : STARTS); n++) {
      await web.end('SIGKILL');
      starts.push(await web.start());
    }
    return { web, starts, allowance: machine.allowanceSince(begin) };
  },
  async run(world, { quick, say, random }, { web, starts, allowance }) {
    const [most, seconds] = quick ? [4, 40] : [250, 700];
    await world.seed(quick ? 10_000 : 100_000);
    await world.startServer({ ROLE: 'worker' });
    let [kills, over] = [0, false];
    const requests = atRate(
      RATE,
      () => !over && world.used < 9900 * (quick ? 1 : 10),
      async () => {
        if (web.alive) await world.requestReset(web, world.nextEmail());
      },
    );
    for (const n of rounds(most, seconds)) {
      await delay(random.between(0, 1500));
      await web.end('SIGKILL');
      await web.start();
      kills = n;
      if (n % 25 === 0) say(`${n} of ${most} kills`);
    }
    over = true;
    await requests;
    const settled = await world.settle(180_000);
    const { size: accepted } = world.requested;
    const slowest = quantile(starts, 1);
    const what = `killed at random, ${RATE} requests a second: answered with 202`;
    return [
      row(what, kills, `${accepted}; those without a mail: see I1`, 'some', accepted > kills),
      row(
        'all mails out after the last kill',
        accepted,
        milliseconds(settled),
        '≤ 180 s',
        settled !== undefined,
      ),
      ...(quick
        ? []
        : [
            timeRow(
              'start to ready after a kill, most',
              starts.length,
              milliseconds(slowest),
              `≤ ${milliseconds(5000 + 10 * allowance)}`,
              slowest <= 5000 + 10 * allowance,
            ),
          ]),
    ];
  },
});
