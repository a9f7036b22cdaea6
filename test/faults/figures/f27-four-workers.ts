// F27: four workers and nothing wrong. No mail is sent twice, and none is lost.
import { figure } from '../figure';
import { copies } from '../invariants/mails';
import { row } from '../report';
import { inParallel, times } from '../time';

export const f27 = figure({
  id: 'F27',
  title: 'four workers, no faults',
  limitSeconds: { quick: 400, full: 900 },
  async run(world, { quick, say }) {
    const n = quick ? 300 : 10_000;
    await world.seed(n);
    const web = await world.startServer({ ROLE: 'web' });
    await times(4, 2, () => world.startServer({ ROLE: 'worker' }));
    const begin = performance.now();
    await inParallel(world.nextEmails(n), 8, (email) => world.requestReset(web, email));
    const settled = await world.settle(400_000);
    const rate = n / ((performance.now() - begin) / 1000);
    say(`${rate.toFixed(0)} mails a second`);
    const { extra } = copies(world.messages);
    return [
      row(
        `mails (${rate.toFixed(0)} a second); copies; lost: see I1`,
        n,
        `${world.messages.length}; ${extra}`,
        `${n}; 0`,
        settled !== undefined && world.messages.length === n && extra === 0,
      ),
    ];
  },
});
