// F10: the mail server puts every recipient off for a while, as greylisting does.
import { figure } from '../figure';
import { milliseconds, row } from '../report';
import { inParallel, quantile } from '../time';

const LATEST_MS = 120_000;

export const f10 = figure({
  id: 'F10',
  title: 'greylisting',
  limitSeconds: { quick: 400, full: 700 },
  async run(world, { quick }) {
    const [n, windowSeconds] = quick ? [20, 12] : [500, 300];
    await world.seed(n);
    const server = await world.startServer();
    const emails = world.nextEmails(n);
    const first = (email: string) => world.sink.attempts.get(email)?.[0] ?? NaN;
    world.sink.react = (phase, { to }) => {
      if (phase !== 'rcpt' || Date.now() - first(to) >= windowSeconds * 1000) return undefined;
      return { reply: '451 4.7.1 come back later' };
    };
    await inParallel(emails, 5, (email) => world.requestReset(server, email));
    await world.settle((windowSeconds + 150) * 1000);
    const delivered = emails.map((email) => world.sink.to(email)[0]).filter((mail) => mail !== undefined);
    const late = quantile(
      delivered.map(({ to, at }) => at - first(to) - windowSeconds * 1000),
      1,
    );
    const attempts = Math.max(...emails.map((email) => world.sink.attempts.get(email)?.length ?? 0));
    return [
      row(
        `451 for the first ${windowSeconds} s of each recipient: delivered, the last one after the end of it`,
        n,
        `${delivered.length}, ${milliseconds(late)}`,
        `${n}, ≤ 2 min`,
        delivered.length === n && late <= LATEST_MS,
      ),
      row('attempts for one mail, most', n, `${attempts}`, '≤ 8', attempts <= 8),
    ];
  },
});
