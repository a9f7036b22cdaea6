// F1: the process that takes asks is killed at any moment. What it has answered with 202 is mailed.
import { milliseconds, row } from '../report.mjs';
import { atRate, delay, quantile } from '../time.mjs';

const RATE = 50;

export const f01 = {
  id: 'F1',
  title: 'kill -9 of the web process',
  limitSeconds: { quick: 150, full: 1500 },
  async run(world, { quick, say, random }) {
    const kills = quick ? 6 : 250;
    await world.seed(quick ? 10_000 : 100_000);
    await world.startServer({ ROLE: 'worker' });
    const web = await world.startServer({ ROLE: 'web' });
    const starts = [];
    let over = false;
    const asking = atRate(
      RATE,
      () => !over,
      () => web.alive && world.ask(web, world.nextEmail()),
    );
    for (let n = 1; n <= kills; n++) {
      await delay(random.between(0, 1500));
      await web.end('SIGKILL');
      starts.push(await web.start());
      if (n % 25 === 0) say(`${n} of ${kills} kills`);
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
        'start to ready, most',
        kills,
        milliseconds(quantile(starts, 1)),
        '≤ 5000 ms',
        quantile(starts, 1) <= 5000,
      ),
    ];
  },
};
