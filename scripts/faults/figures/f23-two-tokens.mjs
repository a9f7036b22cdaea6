// F23: two links of one account, confirmed at the same time in two processes. One wins.
import { row } from '../report.mjs';
import { inParallel, mustBe } from '../time.mjs';

export const f23 = {
  id: 'F23',
  title: 'parallel confirmations with two links of one account',
  limitSeconds: { quick: 120, full: 500 },
  async run(world, { quick }) {
    const n = quick ? 25 : 500;
    await world.seed(n);
    const servers = [await world.startServer(), await world.startServer({ ROLE: 'web' })];
    const emails = world.nextEmails(n);
    await inParallel([...emails, ...emails], 6, (email) => world.ask(servers[0], email));
    await mustBe(() => emails.every((email) => world.mailsTo(email).length >= 2), 'two mails each', 300_000);
    const counts = [];
    await inParallel(emails, 3, async (email) => {
      const tries = world.mailsTo(email).map(({ token }, n) => world.confirm(servers[n % 2], email, token));
      counts.push((await Promise.all(tries)).filter(({ status }) => status === 204).length);
    });
    await world.settle(60_000);
    const wrong = counts.filter((count) => count !== 1).length;
    return [row('pairs without exactly one success', n, `${wrong}`, '0', wrong === 0)];
  },
};
