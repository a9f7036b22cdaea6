// F52: the mail server is away for hours. Notices of what happened in that time are sent when it is back, all of them, and once.
import { figure } from '../figure';
import { copies } from '../invariants/mails';
import { milliseconds, row } from '../report';
import type { Server } from '../server';
import type { Message } from '../sink';
import { inParallel, mustBe, until } from '../time';
import type { World } from '../world';

const HOURS = 6;
const WAITING = "queue = 'mail' AND state <> 'dead'";

export const f52 = figure({
  id: 'F52',
  title: 'notices after hours without a mail server',
  limitSeconds: { quick: 400, full: 400 },
  async run(world, { quick, say }) {
    const n = quick ? 15 : 250;
    await world.seed(n);
    const server = await world.startServer();
    const tokens = await world.linksFor(server, world.nextEmails(n));
    await world.settle(20_000);
    await world.sink.stop();
    await inParallel(tokens, 4, async ({ email, token }) => {
      const password = world.newPassword();
      await world.confirm(server, email, token, password);
      await changeAgain(world, server, email, password);
    });
    const waiting = 2 * n;
    await mustBe(async () => (await triedOnce(world)) === waiting, 'a first try of each notice', 60_000, 100);
    say(`${waiting} notices wait, for ${HOURS} hours`);
    await passHours(world);
    const earlier = world.messages.length;
    await world.sink.start();
    const delivered = await until(async () => (await world.openJobs()) === 0, 90_000, 100);
    await world.settle(10_000);
    const notices = world.messages.slice(earlier);
    const inOrder = tokens.filter(({ email }) => inOrderOf(notices, email)).length;
    const { extra } = copies(notices);
    return [
      row(
        `notices after ${HOURS} hours: sent; copies; the last one after its return`,
        waiting,
        `${notices.length - extra}; ${extra}; ${milliseconds(delivered)}`,
        `${waiting}; 0; ≤ 90 s`,
        notices.length === waiting && extra === 0 && delivered !== undefined,
      ),
      // Mails are sent side by side, and each tells when its change was.
      row('accounts whose two notices came in order', n, `${inOrder}`, 'any', true),
    ];
  },
});

/** By whoever is signed in, so that it is told of in another notice. */
async function changeAgain(world: World, server: Server, email: string, currentPassword: string) {
  const login = await server.api.login(email, currentPassword);
  const { accessToken: bearer } = JSON.parse(login.text) as { accessToken: string };
  const body = { currentPassword, password: world.newPassword() };
  const { status } = await server.call('POST', '/api/users/me/password', { bearer, body });
  if (status === 200) world.laterPasswords.set(email, body.password);
}

function triedOnce(world: World) {
  return world.count(`SELECT count(*)::int AS n FROM latchkey.jobs WHERE ${WAITING} AND tries > 0`);
}

/** As if they had been tried all the while: the gaps are a quarter of an hour by now, and this one is over. */
async function passHours({ database }: World) {
  await database.query(
    `UPDATE latchkey.jobs SET added_at = added_at - make_interval(hours => $1), due_at = now(), tries = 25
     WHERE ${WAITING} AND tries > 0`,
    [HOURS],
  );
}

/** The first tells of a link, and how to disown it; the second comes from somebody who was signed in. */
function inOrderOf(notices: Message[], email: string) {
  const [first, second] = notices.filter(({ to }) => to === email);
  return first?.tokens.length !== 0 && second?.tokens.length === 0;
}
