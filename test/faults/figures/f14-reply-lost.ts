// F14: the connection breaks after the final dot, before the reply: nobody can know whether the mail was taken.
import { figure } from '../figure';
import { copies } from '../invariants/mails';
import { row } from '../report';
import { inParallel } from '../time';

export const f14 = figure({
  id: 'F14',
  title: 'connection cut after the final dot, before the reply',
  quick: true,
  limitSeconds: { quick: 400, full: 300 },
  async run(world, { quick }) {
    const n = quick ? 15 : 200;
    await world.seed(n);
    const server = await world.startServer();
    world.sink.react = (phase, { attempt }) =>
      phase === 'body' && attempt === 1 ? { drop: true } : undefined;
    await inParallel(world.nextEmails(n), 5, (email) => world.requestReset(server, email));
    await world.settle(100_000);
    const { extra, most, different } = copies(world.messages);
    const again = [...world.sink.attempts.values()].filter((times) => times.length > 1).length;
    return [
      row(
        'tried again; copies of one mail at most; with another link; lost: see I1',
        n,
        `${again}; ${most}; ${different} of ${extra}`,
        `${n}; ≤ 1; 0`,
        again === n && most <= 1 && different === 0,
      ),
    ];
  },
});
