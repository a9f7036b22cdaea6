// F25: many asks for one account at once. It gets as many mails as the cap says.
import { row } from '../report.mjs';
import { inParallel } from '../time.mjs';

const CAP = 5;

export const f25 = {
  id: 'F25',
  title: 'parallel asks for one account',
  limitSeconds: { quick: 120, full: 900 },
  async run(world, { quick }) {
    const [rounds, asks] = quick ? [4, 60] : [60, 200];
    await world.seed(rounds);
    const env = { RESET_MAILS_PER_HOUR: String(CAP) };
    const servers = [await world.startServer(env), await world.startServer(env)];
    const emails = world.nextEmails(rounds);
    for (const email of emails) {
      const numbers = Array.from({ length: asks }, (_, n) => n);
      await inParallel(numbers, 200, (n) => world.ask(servers[n % 2], email));
    }
    await world.settle(300_000);
    const counts = emails.map((email) => new Set(world.mailsTo(email).map(({ id }) => id)).size);
    const [least, most] = [Math.min(...counts), Math.max(...counts)];
    return [
      row(
        `${asks} asks at once for one account, over 2 processes: mails`,
        rounds,
        `${least} to ${most}`,
        `exactly ${CAP}`,
        least === CAP && most === CAP,
      ),
    ];
  },
};
