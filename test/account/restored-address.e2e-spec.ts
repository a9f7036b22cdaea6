import { randomUUID } from 'node:crypto';
import { parseEmailAddress } from '../../src/common';
import { User, UsersService } from '../../src/users';
import { Account } from '../support/account';
import { clockOfATest } from '../support/clock-of-a-test';
import { notMeTokenIn, PASSWORD, TestApp, tokenIn } from '../support/test-app';

const OWNERS_PASSWORD = 'staple battery horse correct';
const THIEFS_PASSWORD = 'battery horse staple correct';
const A_DAY = 86_400;

const thiefsAddress = () => `mallory-${randomUUID()}@example.net`;

describe('an account that a thief of its password has moved to another address', () => {
  let server: TestApp;
  let account: Account;

  beforeAll(async () => {
    server = await TestApp.start();
    account = new Account(server);
  });
  afterAll(() => server.stop());
  const advance = clockOfATest(() => server);
  /** A thief knows the password, moves the account at once, and signs in with the address that it has then. */
  async function steal() {
    const [user, email] = [await server.createUser(), thiefsAddress()];
    const { confirm } = await account.emailChangeTokens(user, email);
    await account.confirmEmail(confirm).expect(204);
    const notice = await server.mails.next(user.email, 1);
    const thief: User = { ...user, email };
    return { user, thief, notice, session: await server.accessTokenFor(thief) };
  }

  const emailOf = async (id: string) => (await server.app.get(UsersService).findById(id))?.email;

  it('is taken back by a reset that its former address requests, as the notice says', async () => {
    const { user, thief, notice } = await steal();
    expect(notice.text).toContain('reset your password with this address within 24 hours');
    advance(A_DAY - 60);
    const session = await server.accessTokenFor(thief);
    const seen = server.mails.countTo(user.email);
    const token = await server.tokenFor(user);
    const mail = await server.mails.next(user.email, seen, 'reset_password/');
    expect(mail.text).toContain(`changes it back to ${user.email}`);
    expect(mail.text).not.toContain('not_me');
    // Nothing changes before the link is used.
    await server.look(token).expect(200);
    await server.me(session).expect(200);

    await server.idle();
    const told = server.mails.countTo(thief.email);
    await server.confirm(token, OWNERS_PASSWORD).expect(204);
    expect(await emailOf(user.id)).toBe(user.email);
    await server.me(session).expect(401);
    await server.login(thief.email, OWNERS_PASSWORD).expect(401);
    await server.login(user.email, PASSWORD).expect(401);
    await server.login(user.email, OWNERS_PASSWORD).expect(200);
    const lost = await server.mails.next(thief.email, told);
    expect(lost.subject).toBe('[Latchkey] Your Email Address Was Changed');
    expect(lost.text).not.toContain('://');
    expect((await server.mails.next(user.email, seen + 1)).subject).toBe(
      '[Latchkey] Your Password Was Changed',
    );
    // The same once more, as by a second click, is done already.
    await server.confirm(token, OWNERS_PASSWORD).expect(204);
  });

  it('cannot be taken back a second time by whoever had it in between', async () => {
    const { user, thief } = await steal();
    const [token, thiefsToken] = [await server.tokenFor(user), await server.tokenFor(thief)];
    const another = await server.tokenFor(user);
    await server.confirm(token, OWNERS_PASSWORD).expect(204);
    for (const dead of [another, thiefsToken]) {
      await server.look(dead).expect(410);
      await server.confirm(dead, THIEFS_PASSWORD).expect(410);
    }
    await server.idle();
    const mails = server.mails.countTo(thief.email);
    await server.ask(thief.email).expect(202);
    await server.idle();
    expect(server.mails.countTo(thief.email)).toBe(mails);
    await server.login(user.email, OWNERS_PASSWORD).expect(200);
  });

  it.each<[string, (stolen: Awaited<ReturnType<typeof steal>>) => Promise<unknown>]>([
    ['changes the password', ({ session }) => account.changePassword(session, THIEFS_PASSWORD).expect(200)],
    [
      'resets the password',
      async ({ thief }) => server.confirm(await server.tokenFor(thief), THIEFS_PASSWORD).expect(204),
    ],
    [
      'says "this was not me" to a link of their own',
      async ({ thief }) => {
        const seen = server.mails.countTo(thief.email);
        await server.ask(thief.email).expect(202);
        await server
          .disavow(notMeTokenIn((await server.mails.next(thief.email, seen, 'not_me/')).text))
          .expect(204);
      },
    ],
    [
      'moves on to a third address',
      async ({ thief }) => {
        const { confirm } = await account.emailChangeTokens(thief, thiefsAddress());
        await account.confirmEmail(confirm).expect(204);
      },
    ],
    [
      'registers another account at the former address',
      ({ user }) =>
        server.app
          .get(UsersService)
          .createUnverified({ email: parseEmailAddress(user.email)!, username: 'Mallory' }),
    ],
  ])('is taken back although the thief %s, before or after the link is mailed', async (_, act) => {
    for (const before of [true, false]) {
      const stolen = await steal();
      if (before) await act(stolen);
      const token = await server.tokenFor(stolen.user);
      if (!before) await act(stolen);
      await server.confirm(token, OWNERS_PASSWORD).expect(204);
      expect(await emailOf(stolen.user.id)).toBe(stolen.user.email);
      await server.login(stolen.user.email, OWNERS_PASSWORD).expect(200);
    }
  });

  it('lets only one of 20 parallel confirmations win', async () => {
    const { user } = await steal();
    const token = await server.tokenFor(user);
    const passwords = Array.from({ length: 20 }, (_, n) => `one of twenty passwords, number ${n}`);
    const answers = await Promise.all(passwords.map((password) => server.confirm(token, password)));
    expect(answers.filter(({ status }) => status === 204)).toHaveLength(1);
    expect(await emailOf(user.id)).toBe(user.email);
  });

  it('is not given to its former address after a day', async () => {
    const { user, thief } = await steal();
    advance(A_DAY + 1);
    await server.idle();
    const seen = server.mails.countTo(user.email);
    await server.ask(user.email).expect(202);
    await server.idle();
    expect(server.mails.countTo(user.email)).toBe(seen);
    expect(await emailOf(user.id)).toBe(thief.email);
  });

  it('is not given to whoever has an account of their own at the former address by then', async () => {
    const { user, thief } = await steal();
    const token = await server.tokenFor(user);
    const other = await server.createUser({ email: user.email });
    await server.confirm(token, THIEFS_PASSWORD).expect(410);
    expect(await emailOf(user.id)).toBe(thief.email);
    await server.login(thief.email, PASSWORD).expect(200);
    // A request for the address is about the account that has it.
    await server.confirm(await server.tokenFor(other), OWNERS_PASSWORD).expect(204);
    expect(await emailOf(other.id)).toBe(user.email);
    expect(await emailOf(user.id)).toBe(thief.email);
  });

  it('stays closed where it was disabled, also after it is enabled again', async () => {
    const { user, thief } = await steal();
    const token = await server.tokenFor(user);
    const users = server.app.get(UsersService);
    await users.disable(user.id);
    await server.confirm(token, OWNERS_PASSWORD).expect(400);
    await users.enable(user.id);
    await server.confirm(token, OWNERS_PASSWORD).expect(410);
    await server.idle();
    const seen = server.mails.countTo(user.email);
    await server.ask(user.email).expect(202);
    await server.idle();
    expect(server.mails.countTo(user.email)).toBe(seen);
    expect(await emailOf(user.id)).toBe(thief.email);
  });
});

describe('the way back of a former address', () => {
  it('sends links in the pace of every account, whatever the new address requests', async () => {
    const paced = await TestApp.start({ settings: { resetCooldown: 60, resetMailsPerHour: 2 } });
    try {
      const [user, own] = [await paced.createUser(), new Account(paced)];
      const { confirm } = await own.emailChangeTokens(user, thiefsAddress());
      await own.confirmEmail(confirm).expect(204);
      const thief = (await paced.app.get(UsersService).findById(user.id))!;
      for (let n = 0; n < 4; n++) {
        await paced.ask(thief.email).expect(202);
        await paced.idle();
        paced.clock.advance(61);
      }
      const seen = paced.mails.countTo(user.email);
      for (let n = 0; n < 4; n++) {
        await paced.ask(user.email).expect(202);
        await paced.idle();
        paced.clock.advance(61);
      }
      expect(paced.mails.countTo(user.email) - seen).toBe(2);
      const token = tokenIn((await paced.mails.next(user.email, seen, 'reset_password/')).text);
      await paced.confirm(token, OWNERS_PASSWORD).expect(204);
    } finally {
      await paced.stop();
    }
  });

  it('is closed where EMAIL_CHANGE_HOLD is 0, and no mail promises it', async () => {
    const open = await TestApp.start({ settings: { emailChangeHold: 0 } });
    try {
      const [user, own] = [await open.createUser(), new Account(open)];
      const { confirm } = await own.emailChangeTokens(user, thiefsAddress());
      await own.confirmEmail(confirm).expect(204);
      const notice = await open.mails.next(user.email, 1);
      expect(notice.text).not.toContain('reset your password');
      await open.ask(user.email).expect(202);
      await open.idle();
      expect(open.mails.countTo(user.email)).toBe(2);
    } finally {
      await open.stop();
    }
  });
});
