import { randomUUID } from 'node:crypto';
import { EmailChangeMoves } from '../../src/account';
import { toMinute } from '../../src/common';
import { Housekeeping } from '../../src/jobs';
import { MailService } from '../../src/mail';
import { User, UsersService } from '../../src/users';
import { Account, tokenOf } from '../support/account';
import { clockOfATest } from '../support/clock-of-a-test';
import { notMeTokenIn, TestApp } from '../support/test-app';

const NEW_PASSWORD = 'staple battery horse correct';
const ANOTHER_PASSWORD = 'battery horse staple correct';
const A_DAY = 86_400;

const newAddress = () => `new-${randomUUID()}@example.com`;

describe('a change of address within a day of a reset', () => {
  let server: TestApp;
  let account: Account;

  beforeAll(async () => {
    server = await TestApp.start();
    account = new Account(server);
  });
  afterAll(() => server.stop());
  const advance = clockOfATest(() => server);
  const moveDue = () => server.app.get(EmailChangeMoves).moveDue();

  /** Resets the password, then requests another address and confirms it. */
  async function held(later = 0) {
    const [user, email] = [await server.createUser(), newAddress()];
    await server.confirm(await server.tokenFor(user), NEW_PASSWORD).expect(204);
    const recoveredAt = server.clock.now();
    const notice = await server.mails.next(user.email, 1);
    advance(later);
    const session = await server.accessTokenFor(user, NEW_PASSWORD);
    await account.changeEmail(session, email, NEW_PASSWORD).expect(202);
    const started = tokenOf('cancel_email', (await server.mails.next(user.email, 2)).text);
    const confirm = tokenOf('confirm_email', (await server.mails.next(email)).text);
    const answer = await account.confirmEmail(confirm, NEW_PASSWORD).expect(202);
    const told = await server.mails.next(user.email, 3);
    return {
      ...{ user, email, session, notice, started, confirm, told, recoveredAt },
      effectiveAt: new Date((answer.body as { effectiveAt: string }).effectiveAt),
    };
  }

  it('takes effect a day after the reset, not before; the old address is told when', async () => {
    const { user, email, session, confirm, told, recoveredAt, effectiveAt } = await held(3600);
    expect(Math.abs(effectiveAt.getTime() - recoveredAt.getTime() - A_DAY * 1000)).toBeLessThan(5000);
    expect(told.subject).toBe('[Latchkey] Your Email Address Will Change Soon');
    for (const fact of [email, toMinute(effectiveAt)]) expect(told.text).toContain(fact);
    // Confirmed once more, and by nobody in particular: it says when, and nothing more.
    const again = await server.http.post('/api/email-change/confirm').send({ token: confirm }).expect(202);
    expect(again.body).toMatchObject({ effectiveAt: effectiveAt.toISOString() });

    advance(A_DAY - 3660);
    await moveDue();
    expect(await emailOf(server, user)).toBe(user.email);
    // As good as before: nothing has changed yet, so nobody is signed out.
    advance(-A_DAY + 3660);
    await server.me(session).expect(200);
    advance(A_DAY - 3600 + 60);
    await moveDue();
    expect(await emailOf(server, user)).toBe(email);
    await server.me(session).expect(401);
    for (const [to, seen] of [
      [user.email, 4],
      [email, 1],
    ] as const)
      expect((await server.mails.next(to, seen)).subject).toBe('[Latchkey] Your Email Address Was Changed');
    await server.http.post('/api/email-change/confirm').send({ token: confirm }).expect(204);
    await server.login(email, NEW_PASSWORD).expect(200);
  });

  it('moves once, however many workers look at the same moment', async () => {
    const { user, email } = await held();
    advance(A_DAY + 60);
    await Promise.all(Array.from({ length: 20 }, moveDue));
    await server.idle();
    expect(await emailOf(server, user)).toBe(email);
    expect([server.mails.countTo(user.email), server.mails.countTo(email)]).toEqual([5, 2]);
  });

  type Held = Awaited<ReturnType<typeof held>>;
  it.each<[string, (held: Held) => Promise<unknown>]>([
    [
      'the link that stops it',
      ({ told }) => account.cancelEmail(tokenOf('cancel_email', told.text)).expect(204),
    ],
    ['the link of the first warning', ({ started }) => account.cancelEmail(started).expect(204)],
    ['"this was not me"', ({ notice }) => server.disavow(notMeTokenIn(notice.text)).expect(204)],
    [
      'another reset',
      async ({ user }) => server.confirm(await server.tokenFor(user), ANOTHER_PASSWORD).expect(204),
    ],
    [
      'a change of password',
      ({ session }) => account.changePassword(session, ANOTHER_PASSWORD, NEW_PASSWORD).expect(200),
    ],
    ['the end of all access', ({ user }) => server.app.get(UsersService).revokeAccess(user.id)],
    [
      'the end of the account',
      ({ user }) =>
        server.database.query('UPDATE latchkey.users SET disabled_at = now() WHERE id = $1', [user.id]),
    ],
    ['somebody who has the address by then', ({ email }) => server.createUser({ email })],
  ])('never takes effect after %s', async (_, stop) => {
    const change = await held();
    await stop(change);
    advance(A_DAY + 60);
    await moveDue();
    expect(await emailOf(server, change.user)).toBe(change.user.email);
    await server.database.query('UPDATE latchkey.users SET disabled_at = NULL WHERE id = $1', [
      change.user.id,
    ]);
    await moveDue();
    expect(await emailOf(server, change.user)).toBe(change.user.email);
    await account.confirmEmail(change.confirm, NEW_PASSWORD).expect(410);
  });

  it('can be stopped until the very end, by each of the two links', async () => {
    for (const name of ['started', 'told'] as const) {
      const change = await held();
      const link = name === 'told' ? tokenOf('cancel_email', change.told.text) : change.started;
      advance(A_DAY - 30);
      await account.cancelEmail(link).expect(204);
      advance(60);
      await moveDue();
      expect(await emailOf(server, change.user)).toBe(change.user.email);
    }
  });

  it('is tried again where it could not take effect', async () => {
    const [first, second] = [await held(), await held()];
    advance(A_DAY + 60);
    const enqueue = jest.spyOn(server.app.get(MailService), 'enqueue');
    enqueue.mockRejectedValueOnce(new Error('no queue'));
    await moveDue();
    enqueue.mockRestore();
    // One that fails keeps no other from it.
    const addresses = [await emailOf(server, first.user), await emailOf(server, second.user)];
    expect(addresses).toEqual([first.user.email, second.email]);
    await moveDue();
    expect(await emailOf(server, first.user)).toBe(first.email);
  });

  it('is no matter a day later, nor after a change of password by who is signed in', async () => {
    const [late, changed] = [await server.createUser(), await server.createUser()];
    await server.confirm(await server.tokenFor(late), NEW_PASSWORD).expect(204);
    const session = await server.accessTokenFor(changed);
    await account.changePassword(session, NEW_PASSWORD).expect(200);
    advance(A_DAY + 1);
    await server.app.get(Housekeeping).run();
    for (const user of [late, changed]) {
      const email = newAddress();
      const signedIn = await server.accessTokenFor(user, NEW_PASSWORD);
      await account.changeEmail(signedIn, email, NEW_PASSWORD).expect(202);
      const token = tokenOf('confirm_email', (await server.mails.next(email)).text);
      await account.confirmEmail(token, NEW_PASSWORD).expect(204);
      expect(await emailOf(server, user)).toBe(email);
    }
    expect(
      await server.database.query('SELECT 1 FROM latchkey.recoveries WHERE user_id = $1', [late.id]),
    ).toEqual([]);
  });
});

it('takes effect at once after a reset where the setting says so', async () => {
  const server = await TestApp.start({ settings: { emailChangeHold: 0 } });
  const account = new Account(server);
  try {
    const [user, email] = [await server.createUser(), newAddress()];
    await server.confirm(await server.tokenFor(user), NEW_PASSWORD).expect(204);
    const session = await server.accessTokenFor(user, NEW_PASSWORD);
    await account.changeEmail(session, email, NEW_PASSWORD).expect(202);
    const token = tokenOf('confirm_email', (await server.mails.next(email)).text);
    await account.confirmEmail(token, NEW_PASSWORD).expect(204);
    expect(await emailOf(server, user)).toBe(email);
  } finally {
    await server.stop();
  }
});

it('keeps the link that stops a change alive for as long as the longest hold', async () => {
  const server = await TestApp.start({ settings: { emailChangeHold: 604_800 } });
  const account = new Account(server);
  try {
    const [user, email] = [await server.createUser(), newAddress()];
    await server.confirm(await server.tokenFor(user), NEW_PASSWORD).expect(204);
    const session = await server.accessTokenFor(user, NEW_PASSWORD);
    await account.changeEmail(session, email, NEW_PASSWORD).expect(202);
    const started = tokenOf('cancel_email', (await server.mails.next(user.email, 2)).text);
    server.clock.advance(80_000);
    const token = tokenOf('confirm_email', (await server.mails.next(email)).text);
    await account.confirmEmail(token, NEW_PASSWORD).expect(202);
    server.clock.advance(604_800 - 80_000 - 60);
    await account.cancelEmail(started).expect(204);
  } finally {
    await server.stop();
  }
});

async function emailOf(server: TestApp, { id }: User): Promise<string | undefined> {
  return (await server.app.get(UsersService).findById(id))?.email;
}
