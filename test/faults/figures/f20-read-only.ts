// F20: the database takes no writes, as a standby or a full disk does.
import { figure } from '../figure';
import { row } from '../report';
import { delay, inParallel, until } from '../time';
import { failuresOf, succeeded } from '../traffic';
import type { World } from '../world';

export const f20 = figure({
  id: 'F20',
  title: 'the database is read-only',
  limitSeconds: { quick: 400, full: 500 },
  async run(world, { quick }) {
    const [n, seconds] = quick ? [20, 5] : [100, 120];
    await world.seed(2 * n + 200);
    const server = await world.startServer();
    const tokens = await world.linksFor(server, world.nextEmails(n));
    await world.settle(20_000);
    const before = world.messages.length;
    await setReadOnly(world, 'on');
    const answers = await inParallel(tokens, 3, async ({ email, token }) => [
      { act: 'request', ...(await world.requestReset(server, world.nextEmail())) },
      { act: 'login', ...(await world.login(server, email)) },
      { act: 'confirm', ...(await world.confirm(server, email, token)) },
    ]);
    await delay(seconds * 1000);
    const mailed = world.messages.length - before;
    await setReadOnly(world, 'off');
    const recovery = await until(
      async () => (await world.requestReset(server, world.nextEmail())).status === 202,
      20_000,
      100,
    );
    await world.settle(60_000);
    const successes = answers.flat().filter(succeeded);
    const dishonest = failuresOf(
      answers.flat().filter((answer) => !succeeded(answer) && answer.status !== 503),
    );
    return [
      row(
        'requests, logins, confirmations answered with success; mails',
        3 * n,
        `${successes.length}; ${mailed}`,
        '0; 0',
        successes.length + mailed === 0,
      ),
      row('other answers than 503', 3 * n, dishonest.text, 'none', dishonest.n === 0),
      row(
        'serving again when it takes writes',
        1,
        recovery === undefined ? 'no' : 'yes',
        'yes',
        recovery !== undefined,
      ),
    ];
  },
});

/** A setting of new connections; so those of now are ended. */
async function setReadOnly({ cluster, name }: World, value: 'on' | 'off') {
  await cluster.administer(`ALTER DATABASE ${name} SET default_transaction_read_only = ${value}`);
  await cluster.administer(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}' AND application_name = 'latchkey'`,
  );
}
