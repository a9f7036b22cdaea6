// F22: one link, many confirmations at once. One wins.
import { figure } from '../figure';
import { row } from '../report';
import { inParallel } from '../time';

export const f22 = figure({
  id: 'F22',
  title: 'parallel confirmations with one link',
  quick: true,
  limitSeconds: { quick: 400, full: 900 },
  async run(world, { quick, say }) {
    const [links, atOnce] = quick ? [12, 25] : [200, 100];
    await world.seed(links);
    const servers = [await world.startServer(), await world.startServer({ ROLE: 'web' })];
    const emails = world.nextEmails(links);
    await inParallel(emails, 8, (email) => world.login(servers[0]!, email));
    const tokens = await world.linksFor(servers[0]!, emails);
    say(`${links} links`);
    const statuses = new Map<number | undefined, number>();
    for (const { email, token } of tokens) {
      const tries = Array.from({ length: atOnce }, (_, n) => world.confirm(servers[n % 2]!, email, token));
      for (const { status } of await Promise.all(tries))
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
    await world.settle(60_000);
    const notices = new Set(world.messages.filter(({ kind }) => kind === 'notice').map(({ id }) => id)).size;
    const successes = statuses.get(204) ?? 0;
    const others = [...statuses].map(([status, n]) => `${n} × ${status}`).join(', ');
    const errors = [...statuses.keys()].some((status) => ![204, 400, 404, 410, 503].includes(status ?? 0));
    return [
      row(
        `${atOnce} at once with each link, over 2 processes`,
        links,
        `${successes} successes, ${notices} notices (${others})`,
        `${links} successes, ${links} notices, no errors`,
        successes === links && notices === links && !errors,
      ),
    ];
  },
});
