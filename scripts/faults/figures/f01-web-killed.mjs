// F1: the process that takes asks is killed at any moment. What it has answered with 202 is mailed.
import { milliseconds, row } from '../report.mjs';
import { atRate, delay, quantile, rounds } from '../time.mjs';

const RATE = 50;

export const f01 = {
  id: 'F1',
  title: 'kill -9 of the web process',
  limitSeconds: { quick: 150, full: 1500 },
  turn: 2,
  /** How long a start takes is measured while there is nothing else to do. */
  async alone(world, { quick }) {
    const web = await world.startServer({ ROLE: 'web' });
    const starts = [];
    for (let n = 0; n < (quick ? 3 : 20); n++) {
      await web.end('SIGKILL');
      starts.push(await web.start());
    }
    return { web, starts };
  },
  async run(world, { quick, say, random }, { web, starts }) {
    const [most, seconds] = quick ? [6, 60] : [250, 700];
    await world.seed(quick ? 10_000 : 100_000);
    await world.startServer({ ROLE: 'worker' });
    let [kills, over] = [0, false];
    const asking = atRate(
      RATE,
      () => !over,
      () => web.alive && world.ask(web, world.nextEmail()),
    );
    for (const n of rounds(most, seconds)) {
      await delay(random.between(0, 1500));
      await web.end('SIGKILL');
      await web.start();
      kills = n;
      if (n % 25 === 0) say(`${n} of ${most} kills`);
    }
    over = true;
    await asking;
    const settled = await world.settle(180_000);
    return [
      row(
        `killed at random, ${RATE} asks a second: asks answered with 202`,
        kills,
        `${world.asked.size}; those without a mail: see I1`,
        'some',
        world.asked.size > kills,
      ),
      row(
        'all mails out after the last kill',
        world.asked.size,
        milliseconds(settled),
        '≤ 180 s',
        settled !== undefined,
      ),
      row(
        'start to ready after a kill, most',
        starts.length,
        milliseconds(quantile(starts, 1)),
        '≤ 5000 ms',
        quantile(starts, 1) <= 5000,
      ),
    ];
  },
};
