// F25: many requests for one account at once. It gets as many mails as the cap says.
import { figure } from '../figure';
import { row } from '../report';
import { times } from '../time';

const CAP = 5;

export const f25 = figure({
  id: 'F25',
  title: 'parallel requests for one account',
  quick: true,
  limitSeconds: { quick: 400, full: 900 },
  async run(world, { quick }) {
    const [rounds, requests] = quick ? [3, 60] : [60, 200];
    await world.seed(rounds);
    const env = { RESET_MAILS_PER_HOUR: String(CAP) };
    const servers = [await world.startServer(env), await world.startServer(env)];
    const emails = world.nextEmails(rounds);
    for (const email of emails) {
      await times(requests, 200, (n) => world.requestReset(servers[n % 2]!, email));
    }
    await world.settle(300_000);
    const counts = emails.map((email) => new Set(world.mailsTo(email).map(({ id }) => id)).size);
    const [least, most] = [Math.min(...counts), Math.max(...counts)];
    return [
      row(
        `${requests} requests at once for one account, over 2 processes: mails`,
        rounds,
        `${least} to ${most}`,
        `exactly ${CAP}`,
        least === CAP && most === CAP,
      ),
    ];
  },
});
