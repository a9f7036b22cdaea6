// F23: two links of one account, confirmed at the same time in two processes. One wins.
import { figure } from '../figure';
import { row } from '../report';
import { inParallel, mustBe } from '../time';

export const f23 = figure({
  id: 'F23',
  title: 'parallel confirmations with two links of one account',
  limitSeconds: { quick: 400, full: 600 },
  async run(world, { quick }) {
    const n = quick ? 25 : 500;
    await world.seed(n);
    const servers = [await world.startServer(), await world.startServer({ ROLE: 'web' })];
    const emails = world.nextEmails(n);
    await inParallel([...emails, ...emails], 6, (email) => world.requestReset(servers[0]!, email));
    await mustBe(() => emails.every((email) => world.mailsTo(email).length >= 2), 'two mails each', 300_000);
    const counts: number[] = [];
    await inParallel(emails, 3, async (email) => {
      const tries = world.mailsTo(email).map(({ token }, n) => world.confirm(servers[n % 2]!, email, token!));
      counts.push((await Promise.all(tries)).filter(({ status }) => status === 204).length);
    });
    await world.settle(60_000);
    const wrong = counts.filter((count) => count !== 1).length;
    return [row('pairs without exactly one success', n, `${wrong}`, '0', wrong === 0)];
  },
});
