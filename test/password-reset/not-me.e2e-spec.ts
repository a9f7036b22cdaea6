import { randomUUID } from 'node:crypto';
import { RecordedSecurityEvent, SecurityEvents } from '../../src/common';
import { Housekeeping } from '../../src/jobs';
import { User } from '../../src/users';
import { Account } from '../support/account';
import { notMeTokenIn, PASSWORD, TestApp, tokenIn } from '../support/test-app';

const HOUR = 3600;
const DAY = 86_400;
const INTRUDERS_PASSWORD = 'the intruder chose this one';
const ANOTHER_OF_THEIRS = 'the intruder chose this one later';
const OWNERS_PASSWORD = 'the owner took it back with this';

describe('"this was not me"', () => {
  let server: TestApp;
  let events: RecordedSecurityEvent[];

  const start = async (settings: { resetQuietPeriod?: number } = {}) => {
    server = await TestApp.start({ settings });
    server.app.get(SecurityEvents).onEvent((event) => Promise.resolve(void events.push(event)));
  };
  beforeAll(() => start());
  beforeEach(() => (events = []));
  afterAll(() => server.stop());

  /** Somebody asks for a link; what the mail holds. */
  const resetMail = async (user: User) => {
    const seen = server.mails.countTo(user.email);
    await server.ask(user.email).expect(202);
    const { text } = await server.mails.next(user.email, seen, 'reset_password/');
    return { reset: tokenIn(text), notMe: notMeTokenIn(text) };
  };

  /** Somebody uses a link; the "this was not me" of the notice. */
  const noticeAfter = async (user: User, reset: string, password = INTRUDERS_PASSWORD) => {
    const seen = server.mails.countTo(user.email);
    await server.confirm(reset, password).expect(204);
    return notMeTokenIn((await server.mails.next(user.email, seen, 'not_me/')).text);
  };

  const mailsAfterAsking = async (user: User) => {
    await server.idle();
    const before = server.mails.countTo(user.email);
    await server.ask(user.email).expect(202);
    await server.idle();
    return server.mails.countTo(user.email) - before;
  };

  describe('cannot be turned against the owner', () => {
    it('by a scanner that opens every link of the mail, as often as it likes', async () => {
      const user = await server.createUser();
      const session = await server.accessTokenFor(user);
      const { reset, notMe } = await resetMail(user);
      for (let n = 0; n < 5; n++) {
        await server.http.get(`/not_me/${notMe}`).expect(200);
        await server.http.head(`/not_me/${notMe}`);
        await server.http.options(`/not_me/${notMe}`);
        await server.http.get(`/api/password-reset/disavow?token=${notMe}`);
      }
      await server.me(session).expect(200);
      await server.look(reset).expect(200);
      expect(await mailsAfterAsking(user)).toBe(1);
    });

    it('by what is no token, a broken one, or one of another kind', async () => {
      const user = await server.createUser();
      const session = await server.accessTokenFor(user);
      const { reset, notMe } = await resetMail(user);
      const broken = [`${notMe}A`, notMe.slice(0, -1), notMe.slice(0, notMe.lastIndexOf('.')), 'x', '', '..'];
      for (const token of [...broken, reset, session, randomUUID()])
        expect((await server.disavow(token).expect(400)).body).toMatchObject({ code: 'LINK_INVALID' });
      await server.me(session).expect(200);
      await server.look(reset).expect(200);
    });

    it('or open anything: its link sets no password and signs nobody in', async () => {
      const user = await server.createUser();
      const { notMe } = await resetMail(user);
      expect((await server.look(notMe).expect(400)).body).toMatchObject({ code: 'RESET_TOKEN_INVALID' });
      await server.confirm(notMe, INTRUDERS_PASSWORD).expect(400);
      await server.me(notMe).expect(401);
      await server.login(user.email, PASSWORD).expect(200);
    });

    it('by the owner of another account', async () => {
      const [owner, stranger] = [await server.createUser(), await server.createUser()];
      const session = await server.accessTokenFor(owner);
      const { reset } = await resetMail(owner);
      await server.disavow((await resetMail(stranger)).notMe).expect(204);
      await server.me(session).expect(200);
      await server.look(reset).expect(200);
      expect(await mailsAfterAsking(owner)).toBe(1);
    });

    it('one old mail after the other, or the same again: one quiet period answers them all', async () => {
      const user = await server.createUser();
      const mails = [await resetMail(user), await resetMail(user), await resetMail(user)];
      await server.disavow(mails[0]!.notMe).expect(204);
      server.clock.advance(HOUR - 10);
      for (const { notMe } of mails) await server.disavow(notMe).expect(204);
      server.clock.advance(11);
      for (const { notMe } of mails) await server.disavow(notMe).expect(204);
      expect(await mailsAfterAsking(user)).toBe(1);
    });

    it('by pressing the link of an old notice again when the password is the owner’s own again', async () => {
      const user = await server.createUser();
      const notMe = await noticeAfter(user, (await resetMail(user)).reset);
      await server.disavow(notMe).expect(204);
      server.clock.advance(HOUR);
      await noticeAfter(user, (await resetMail(user)).reset, OWNERS_PASSWORD);
      const session = await server.accessTokenFor(user, OWNERS_PASSWORD);
      await server.disavow(notMe).expect(204);
      await server.me(session).expect(200);
      await server.login(user.email, OWNERS_PASSWORD).expect(200);
      expect(await mailsAfterAsking(user)).toBe(1);
    });

    it('by the notice of the intruder’s reset, once the password is the owner’s own again', async () => {
      const user = await server.createUser();
      const notMe = await noticeAfter(user, (await resetMail(user)).reset);
      const noticed = await noticeAfter(user, (await resetMail(user)).reset, OWNERS_PASSWORD);
      const session = await server.accessTokenFor(user, OWNERS_PASSWORD);
      const { reset } = await resetMail(user);
      expect((await server.http.get(`/not_me/${notMe}`).expect(200)).text).toContain('60 minutes');
      await server.disavow(notMe).expect(204);
      await server.me(session).expect(401);
      await server.look(reset).expect(410);
      await server.login(user.email, OWNERS_PASSWORD).expect(200);
      const told = events.filter(({ act }) => act === 'password_reset_disavowed');
      expect(told).toMatchObject([{ details: { sealed: false, repeated: false } }]);
      server.clock.advance(HOUR - 5);
      expect(await mailsAfterAsking(user)).toBe(0);
      server.clock.advance(5);
      expect(await mailsAfterAsking(user)).toBe(1);

      await server.disavow(noticed).expect(204);
      await server.login(user.email, OWNERS_PASSWORD).expect(401);
    });

    it('by many at the same time: it happens once', async () => {
      const user = await server.createUser();
      const { notMe } = await resetMail(user);
      const answers = await Promise.all(Array.from({ length: 50 }, () => server.disavow(notMe)));
      expect(new Set(answers.map(({ status, text }) => `${status} ${text}`))).toEqual(new Set(['204 ']));
      const rows = 'SELECT credentials_version FROM latchkey.users WHERE id = $1';
      expect(await server.database.query(rows, [user.id])).toEqual([{ credentials_version: 2 }]);
    });
  });

  describe('before anybody has used the link', () => {
    it('ends every session and every link, and leaves the password as it is', async () => {
      const user = await server.createUser();
      const sessions = [await server.accessTokenFor(user), await server.accessTokenFor(user)];
      const mails = [await resetMail(user), await resetMail(user)];
      const answer = await server.disavow(mails[1]!.notMe).expect(204);
      expect(answer.headers).toMatchObject({ 'cache-control': 'no-store' });
      expect(answer.text).toBe('');
      for (const session of sessions) await server.me(session).expect(401);
      for (const { reset } of mails) {
        expect((await server.confirm(reset, INTRUDERS_PASSWORD).expect(410)).body).toMatchObject({
          code: 'RESET_TOKEN_USED',
        });
      }
      await server.login(user.email, PASSWORD).expect(200);
    });

    it('ends a pending change of address too', async () => {
      const user = await server.createUser();
      const newAddress = `${randomUUID()}@example.com`;
      await server.http
        .post('/api/users/me/email')
        .set('Authorization', `Bearer ${await server.accessTokenFor(user)}`)
        .send({ email: newAddress, currentPassword: PASSWORD })
        .expect(202);
      const [, token] = /confirm_email\/([\w.-]+)/.exec((await server.mails.next(newAddress)).text)!;
      await server.idle();
      await server.disavow((await resetMail(user)).notMe).expect(204);
      await server.http.post('/api/email-change/confirm').send({ token }).expect(410);
      await server.login(user.email, PASSWORD).expect(200);
    });

    it('keeps an account quiet for exactly an hour; then its owner can ask again', async () => {
      const user = await server.createUser();
      await server.disavow((await resetMail(user)).notMe).expect(204);
      expect(await mailsAfterAsking(user)).toBe(0);
      server.clock.advance(HOUR - 5);
      expect(await mailsAfterAsking(user)).toBe(0);
      server.clock.advance(5);
      const { reset } = await resetMail(user);
      await server.confirm(reset, OWNERS_PASSWORD).expect(204);
      await server.login(user.email, OWNERS_PASSWORD).expect(200);
    });

    it('tells nobody who asks: the answer is the same, byte for byte', async () => {
      const answer = async (email: string) => {
        const { status, text, headers } = await server.ask(email);
        return { status, text, headers: { ...headers, date: 'some date' } };
      };
      const user = await server.createUser();
      const { notMe } = await resetMail(user);
      const before = await answer(user.email);
      await server.disavow(notMe).expect(204);
      expect(await answer(user.email)).toEqual(before);
      expect(await answer(`${randomUUID()}@example.com`)).toEqual(before);
    });
  });

  describe('when somebody else has set the password', () => {
    it('shuts the intruder out: session, password, link', async () => {
      const user = await server.createUser();
      const { reset } = await resetMail(user);
      const notMe = await noticeAfter(user, reset);
      const session = await server.accessTokenFor(user, INTRUDERS_PASSWORD);
      await server.disavow(notMe).expect(204);
      await server.me(session).expect(401);
      await server.login(user.email, INTRUDERS_PASSWORD).expect(401);
      await server.login(user.email, PASSWORD).expect(401);
      await server.confirm(reset, INTRUDERS_PASSWORD).expect(410);
    });

    it('lets the owner recover a minute later, not an hour', async () => {
      const user = await server.createUser();
      await server.disavow(await noticeAfter(user, (await resetMail(user)).reset)).expect(204);
      server.clock.advance(55);
      expect(await mailsAfterAsking(user)).toBe(0);
      server.clock.advance(6);
      await noticeAfter(user, (await resetMail(user)).reset, OWNERS_PASSWORD);
      await server.login(user.email, OWNERS_PASSWORD).expect(200);
    });

    it('lets the owner recover a minute later also when the first mail had begun an hour already', async () => {
      const user = await server.createUser();
      const [first, second] = [await resetMail(user), await resetMail(user)];
      const notMe = await noticeAfter(user, second.reset);
      await server.disavow(first.notMe).expect(204);
      await server.disavow(notMe).expect(204);
      await server.login(user.email, INTRUDERS_PASSWORD).expect(401);
      server.clock.advance(61);
      expect(await mailsAfterAsking(user)).toBe(1);
    });

    it('does so by the link of the first mail as well', async () => {
      const user = await server.createUser();
      const { reset, notMe } = await resetMail(user);
      const noticed = await noticeAfter(user, reset);
      await server.disavow(notMe).expect(204);
      await server.login(user.email, INTRUDERS_PASSWORD).expect(401);
      await server.disavow(noticed).expect(204);
      const rows = 'SELECT credentials_version FROM latchkey.users WHERE id = $1';
      expect(await server.database.query(rows, [user.id])).toEqual([{ credentials_version: 3 }]);
    });

    it('also when the intruder has changed it once more meanwhile', async () => {
      const user = await server.createUser();
      const notMe = await noticeAfter(user, (await resetMail(user)).reset);
      const session = await server.accessTokenFor(user, INTRUDERS_PASSWORD);
      await new Account(server).changePassword(session, ANOTHER_OF_THEIRS, INTRUDERS_PASSWORD).expect(200);
      await server.disavow(notMe).expect(204);
      await server.login(user.email, ANOTHER_OF_THEIRS).expect(401);
    });

    it('or ended all access by the mail of another ask', async () => {
      const user = await server.createUser();
      const other = await resetMail(user);
      const notMe = await noticeAfter(user, (await resetMail(user)).reset);
      await server.disavow(other.notMe).expect(204);
      await server.disavow(notMe).expect(204);
      await server.login(user.email, INTRUDERS_PASSWORD).expect(401);
    });

    it('or sets it at this very moment, the intruder’s password never works', async () => {
      const outcomes = new Set<number>();
      for (let round = 0; round < 20; round++) {
        const user = await server.createUser();
        const { reset, notMe } = await resetMail(user);
        const [confirmed] = await Promise.all([
          server.confirm(reset, INTRUDERS_PASSWORD),
          server.disavow(notMe).expect(204),
        ]);
        outcomes.add(confirmed.status);
        expect([204, 410]).toContain(confirmed.status);
        await server.login(user.email, INTRUDERS_PASSWORD).expect(401);
        await server.login(user.email, PASSWORD).expect(confirmed.status === 204 ? 401 : 200);
        await server.look(reset).expect(410);
      }
      expect(outcomes.size).toBeGreaterThan(0);
    });
  });

  describe('works', () => {
    it('for a week, though the reset link of the same mail is long dead; then it has expired', async () => {
      const [early, late] = [await server.createUser(), await server.createUser()];
      const tokens = [(await resetMail(early)).notMe, (await resetMail(late)).notMe];
      server.clock.advance(7 * DAY - 10);
      await server.app.get(Housekeeping).run();
      await server.disavow(tokens[0]!).expect(204);
      server.clock.advance(11 + 60);
      expect((await server.disavow(tokens[1]!).expect(410)).body).toMatchObject({ code: 'LINK_EXPIRED' });
      server.clock.advance(-7 * DAY - 61);
    });

    it('for a week from the notice, which may have been on its way for days', async () => {
      const user = await server.createUser();
      const { reset } = await resetMail(user);
      const notMe = await noticeAfter(user, reset);
      // As if the mail server had taken the notice over three days after the change, and its link had been signed then.
      const past = `UPDATE latchkey.password_resets SET created_at = created_at - interval '3 days',
        expires_at = expires_at - interval '3 days', used_at = used_at - interval '3 days' WHERE user_id = $1`;
      await server.database.query(past, [user.id]);
      server.clock.advance(7 * DAY - 10);
      await server.app.get(Housekeeping).run();
      await server.disavow(notMe).expect(204);
      await server.login(user.email, INTRUDERS_PASSWORD).expect(401);
      server.clock.advance(-7 * DAY + 10);
    });

    it('until the account is gone', async () => {
      const user = await server.createUser();
      const { notMe } = await resetMail(user);
      await server.database.query('DELETE FROM latchkey.users WHERE id = $1', [user.id]);
      expect((await server.disavow(notMe).expect(400)).body).toMatchObject({ code: 'LINK_INVALID' });
    });

    it('without a trace that outlives its use', async () => {
      const user = await server.createUser();
      await server.disavow((await resetMail(user)).notMe).expect(204);
      const rows = async () =>
        (
          await Promise.all(
            ['password_resets', 'quiet_periods'].map((table) =>
              server.database.query<object[]>(`SELECT 1 FROM latchkey.${table} WHERE user_id = $1`, [
                user.id,
              ]),
            ),
          )
        ).map(({ length }) => length);
      await server.app.get(Housekeeping).run();
      expect(await rows()).toEqual([1, 1]);
      server.clock.advance(12 * DAY);
      await server.app.get(Housekeeping).run();
      expect(await rows()).toEqual([0, 0]);
      server.clock.advance(-12 * DAY);
    });

    it('and the password that it has ended comes back by no later reset', async () => {
      const user = await server.createUser();
      const { reset } = await resetMail(user);
      await server.disavow(await noticeAfter(user, reset)).expect(204);
      server.clock.advance(61);
      const next = await server.tokenFor(user);
      const answer = await server.confirm(next, INTRUDERS_PASSWORD).expect(422);
      expect(answer.body).toMatchObject({ errors: [{ field: 'password', code: 'ended' }] });
      for (const password of [INTRUDERS_PASSWORD, '', '!'])
        await server.login(user.email, password).expect(401);
      await server.confirm(next, OWNERS_PASSWORD).expect(204);
      await server.login(user.email, OWNERS_PASSWORD).expect(200);
      server.clock.advance(-61);
    });

    it('and is told to operators, with all that led to it', async () => {
      const user = await server.createUser();
      const { reset, notMe } = await resetMail(user);
      await server.look(reset).expect(200);
      await noticeAfter(user, reset);
      const session = await server.accessTokenFor(user, INTRUDERS_PASSWORD);
      await server.disavow(notMe).expect(204);
      await server.me(session).expect(401);
      await mailsAfterAsking(user);
      await server.disavow('x').expect(400);
      await server.confirm(reset, OWNERS_PASSWORD).expect(410);
      const told = events
        .filter(({ act }) => /^(password|session)/.test(act))
        .map(({ act, outcome, details: { reason } }) => [act, outcome, reason].filter(Boolean).join(' '));
      expect(told).toEqual([
        'password_reset_requested success',
        'password_reset_mailed success',
        'password_reset_opened success',
        'password_reset_completed success',
        'session_started success',
        'session_ended success credentials_changed',
        'password_reset_disavowed success',
        'password_reset_requested success',
        'password_reset_mailed failure quiet_period',
        'password_reset_completed failure RESET_TOKEN_USED',
      ]);
      const disavowed = events.find(({ act }) => act === 'password_reset_disavowed')!;
      expect(disavowed).toMatchObject({
        userId: user.id,
        source: '127.0.0.1',
        details: { sealed: true, repeated: false },
      });
      for (const secret of [reset, notMe]) expect(JSON.stringify(events)).not.toContain(secret.split('.')[2]);
    });
  });

  it('stops no mails where no quiet period is wanted, and does all the rest', async () => {
    await server.stop();
    await start({ resetQuietPeriod: 0 });
    const user = await server.createUser();
    const session = await server.accessTokenFor(user);
    const { notMe } = await resetMail(user);
    await server.disavow(notMe).expect(204);
    await server.me(session).expect(401);
    expect(await mailsAfterAsking(user)).toBe(1);
    expect(server.mails.to(user.email)[1]!.text).not.toContain('For 0 minutes');
  });
});
