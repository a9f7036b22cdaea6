// F6: SIGTERM while mails are half way to a slow mail server. They are finished, or left to the next worker.
import { figure } from '../figure';
import { copies } from '../invariants/mails';
import { milliseconds, row } from '../report';
import type { Seeded } from '../seeded';
import type { Phase, Session } from '../sink';
import { delay, inParallel, mustBe, quantile, rounds } from '../time';
import type { World } from '../world';

const SLOW_MS = 5000;
const MAILS_A_WORKER = 5;

export const f06 = figure({
  id: 'F6',
  title: 'SIGTERM while the mail server is inside DATA',
  limitSeconds: { quick: 400, full: 900 },
  async run(world, { quick, say, random }) {
    const [most, workers] = quick ? [2, 2] : [10, 4];
    await world.seed(most * workers * MAILS_A_WORKER);
    const web = await world.startServer({ ROLE: 'web' });
    const crew = Array.from({ length: workers }, () => world.addServer({ ROLE: 'worker' }));
    const sending = slowInData(world, random);
    const exits: unknown[] = [];
    const times: number[] = [];
    for (const round of rounds(most, 400)) {
      await Promise.all(crew.map((worker) => worker.start()));
      const wanted = sending.begun + workers * MAILS_A_WORKER;
      await inParallel(world.nextEmails(workers * MAILS_A_WORKER), 5, (email) =>
        world.requestReset(web, email),
      );
      await mustBe(() => sending.begun >= wanted, 'mails inside DATA', 30_000);
      await delay(random.between(0, SLOW_MS / 3));
      const begin = performance.now();
      const ends = crew.map(async (worker) => {
        exits.push(await worker.end('SIGTERM'));
        times.push(performance.now() - begin);
      });
      await Promise.all(ends);
      say(`${round} of ${most} rounds`);
    }
    world.sink.react = () => undefined;
    await crew[0]!.start();
    await world.settle(90_000);
    const { extra } = copies(world.messages);
    const slowest = quantile(times, 1);
    return [
      row(
        'mails under way at a SIGTERM: copies; lost ones: see I1',
        world.used,
        `${extra}`,
        '0',
        extra === 0,
      ),
      row(
        'exit status, time to exit at most',
        exits.length,
        `${[...new Set(exits)].join(', ')}, ${milliseconds(slowest)}`,
        '0, ≤ 30 s',
        exits.every((status) => status === 0) && slowest <= 30_000,
      ),
    ];
  },
});

/** Slow before the text, or after its final dot. @returns a count of those it has made wait */
function slowInData(world: World, random: Seeded) {
  const count = { begun: 0 };
  const slowAt = new WeakMap<Session, Phase>();
  world.sink.react = (phase, session) => {
    if (phase === 'rcpt') slowAt.set(session, random.pick<Phase>(['data', 'body']));
    if (phase !== slowAt.get(session)) return undefined;
    count.begun++;
    return { afterMs: SLOW_MS };
  };
  return count;
}
