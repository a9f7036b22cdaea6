// F11: the mail server refuses for now, in one way or another. Every mail is tried again, after gaps that grow and are not all alike.
import { figure } from '../figure';
import { row } from '../report';
import type { Phase } from '../sink';
import { inParallel } from '../time';

const REFUSALS: [phase: Phase, reply: string][] = [
  ['rcpt', '450 4.2.0 mailbox busy'],
  ['rcpt', '452 4.2.2 no space'],
  ['data', '421 4.3.2 shutting down'],
  ['body', '451 4.3.0 not now'],
];

export const f11 = figure({
  id: 'F11',
  title: '450 and 452 at RCPT, 421 at DATA, 451 after DATA',
  quick: true,
  limitSeconds: { quick: 400, full: 400 },
  async run(world, { quick }) {
    const [n, failures] = quick ? [20, 2] : [200, 4];
    await world.seed(n);
    const server = await world.startServer();
    const emails = world.nextEmails(n);
    const refusals = new Map(emails.map((email, n) => [email, REFUSALS[n % REFUSALS.length]!]));
    world.sink.react = (phase, { to, attempt }) => {
      const [at, reply] = refusals.get(to) ?? [];
      return phase === at && attempt <= failures ? { reply } : undefined;
    };
    await inParallel(emails, 5, (email) => world.requestReset(server, email));
    await world.settle(300_000);
    const times = emails.map((email) => world.sink.attempts.get(email) ?? []);
    const right = times.filter(({ length }) => length === failures + 1).length;
    const delivered = emails.filter((email) => world.sink.to(email).length === 1).length;
    return [
      row(
        `refused ${failures} times: delivered once; after ${failures + 1} attempts`,
        n,
        `${delivered}; ${right}`,
        `${n}; ${n}`,
        delivered === n && right === n,
      ),
      gapsRow(times),
    ];
  },
});

/** Apart from what a busy machine adds, a gap is never shorter than the one before it. */
function gapsRow(times: number[][]) {
  const gaps = times.map((list) => list.slice(1).map((time, n) => (time - list[n]!) / 1000));
  const longest = Math.max(...gaps.flat());
  const shrinking = gaps.filter((list) => list.some((gap, n) => n > 0 && gap < 0.85 * list[n - 1]!)).length;
  const first = gaps.map(([gap = NaN]) => gap);
  const spread = Math.max(...first) - Math.min(...first);
  return row(
    'gaps: longest; shrinking; spread of the first',
    gaps.length,
    `${longest.toFixed(0)} s; ${shrinking}; ${spread.toFixed(1)} s`,
    '≤ 62 s; 0; > 0.3 s',
    longest <= 62 && shrinking === 0 && spread > 0.3,
  );
}
