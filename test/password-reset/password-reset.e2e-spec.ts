import { REPEATED_CONFIRMATIONS } from '../../src/limits';
import { PasswordHasher, UsersService } from '../../src/users';
import { AdapterName, PASSWORD, TestApp, tokenIn } from '../support/test-app';

const NEW_PASSWORD = 'staple battery horse correct';

// Our modules know no HTTP adapter: a host's is as good as ours.
describe.each<AdapterName>(['fastify', 'express'])('password reset over REST, on %s', (adapter) => {
  let server: TestApp;

  beforeAll(async () => {
    server = await TestApp.start({ adapter });
  });
  afterAll(() => server.stop());

  it('sets a new password by the link of the mail, once', async () => {
    const user = await server.createUser();
    const answer = await server.ask(user.email).expect(202);
    expect(answer.body).toEqual({ message: 'Check your email for the instructions to reset your password' });
    const token = tokenIn((await server.mails.next(user.email)).text);

    await server.look(token).expect(200);
    await server.confirm(token, NEW_PASSWORD).expect(204);
    await server.login(user.email, PASSWORD).expect(401);
    await server.login(user.email, NEW_PASSWORD).expect(200);

    const second = await server.confirm(token, 'yet another long password').expect(410);
    expect(second.body).toMatchObject({ code: 'RESET_TOKEN_USED' });
    await server.login(user.email, NEW_PASSWORD).expect(200);
  });

  it('answers the same link and the password that it has set as done, and does nothing', async () => {
    const user = await server.createUser();
    const token = await server.tokenFor(user);
    await server.confirm(token, NEW_PASSWORD).expect(204);
    await server.mails.next(user.email, 1);
    const session = await server.accessTokenFor(user, NEW_PASSWORD);
    await server.confirm(token, NEW_PASSWORD).expect(204);
    await server.idle();
    await server.me(session).expect(200);
    expect(server.mails.countTo(user.email)).toBe(2);
  });

  it('answers clicks that come twice as done, and changes the password once', async () => {
    for (let round = 0; round < 10; round++) {
      const user = await server.createUser();
      const token = await server.tokenFor(user);
      const answers = await Promise.all([1, 2, 3].map(() => server.confirm(token, NEW_PASSWORD)));
      expect(answers.map(({ status }) => status)).toEqual([204, 204, 204]);
      expect(
        await server.database.query('SELECT credentials_version FROM latchkey.users WHERE id = $1', [
          user.id,
        ]),
      ).toEqual([{ credentials_version: 2 }]);
    }
  });

  it('answers a click that meets the new password before the spent link as done', async () => {
    const user = await server.createUser();
    const token = await server.tokenFor(user);
    const users = server.app.get(UsersService);
    const prepare = users.prepareNewPassword.bind(users);
    const late = jest.spyOn(users, 'prepareNewPassword').mockImplementationOnce(async (...parameters) => {
      await server.confirm(token, NEW_PASSWORD).expect(204);
      return prepare(...parameters);
    });
    await server.confirm(token, NEW_PASSWORD).expect(204);
    expect(late).toHaveBeenCalledTimes(2);
    late.mockRestore();
  });

  it('says nothing of a spent link once its time is over, another has set a password, or it was disavowed', async () => {
    const user = await server.createUser();
    const first = await server.tokenFor(user);
    await server.confirm(first, NEW_PASSWORD).expect(204);
    await server.idle();
    const second = await server.tokenFor(user);
    await server.confirm(second, 'yet another long password').expect(204);
    for (const password of [NEW_PASSWORD, 'yet another long password'])
      expect((await server.confirm(first, password).expect(410)).body).toMatchObject({
        code: 'RESET_TOKEN_USED',
      });
    await server.confirm(second, 'yet another long password').expect(204);
    server.clock.advance(11 * 60);
    await server.confirm(second, 'yet another long password').expect(410);
    server.clock.advance(-11 * 60);
    await server.database.query(
      'UPDATE latchkey.password_resets SET disavowed_at = now() WHERE user_id = $1',
      [user.id],
    );
    await server.confirm(second, 'yet another long password').expect(410);
  });

  it('lets whoever finds a spent link guess five times at the password, and no more', async () => {
    const user = await server.createUser();
    const token = await server.tokenFor(user);
    await server.confirm(token, NEW_PASSWORD).expect(204);
    const { events } = REPEATED_CONFIRMATIONS;
    const verify = jest.spyOn(server.app.get(PasswordHasher), 'verify');
    for (let n = 0; n < events + 3; n++) await server.confirm(token, `a long guess number ${n}`).expect(410);
    await server.confirm(token, NEW_PASSWORD).expect(410);
    expect(verify).toHaveBeenCalledTimes(events);
    verify.mockRestore();
  });

  it('keeps the link when the password is refused', async () => {
    const user = await server.createUser();
    const token = await server.tokenFor(user);
    const answer = await server.confirm(token, 'too short').expect(422);
    expect(answer.type).toBe('application/problem+json');
    expect(answer.body).toMatchObject({
      code: 'PASSWORD_REJECTED',
      errors: [{ field: 'password', code: 'too_short', message: expect.any(String) as string }],
    });
    await server.login(user.email, PASSWORD).expect(200);
    await server.confirm(token, NEW_PASSWORD).expect(204);
  });

  it('takes the present password for a new one, at the price of one hash: sessions end, and the notice goes out', async () => {
    const user = await server.createUser();
    const session = await server.accessTokenFor(user);
    const token = await server.tokenFor(user);
    const hasher = server.app.get(PasswordHasher);
    const [hash, verify] = [jest.spyOn(hasher, 'hash'), jest.spyOn(hasher, 'verify')];
    await server.confirm(token, PASSWORD).expect(204);
    expect([hash.mock.calls.length, verify.mock.calls.length]).toEqual([1, 0]);
    for (const spy of [hash, verify]) spy.mockRestore();
    await server.me(session).expect(401);
    await server.login(user.email, PASSWORD).expect(200);
    await server.mails.next(user.email, 1);
  });

  it('keeps the link when the two passwords differ', async () => {
    const token = await server.tokenFor(await server.createUser());
    const answer = await server.http
      .post('/api/password-reset/confirm')
      .send({ token, password: NEW_PASSWORD, passwordConfirmation: `${NEW_PASSWORD}!` })
      .expect(400);
    expect(answer.body).toMatchObject({ errors: [{ field: 'passwordConfirmation', code: 'mismatch' }] });
    await server.http
      .post('/api/password-reset/confirm')
      .send({ token, password: NEW_PASSWORD, passwordConfirmation: NEW_PASSWORD })
      .expect(204);
  });

  it('spends nothing when a link is opened ten times', async () => {
    const token = await server.tokenFor(await server.createUser());
    for (let n = 0; n < 10; n++) {
      const { body } = await server.look(token).expect(200);
      expect(new Date((body as { expiresAt: string }).expiresAt).getTime()).toBeGreaterThan(Date.now());
    }
    await server.confirm(token, NEW_PASSWORD).expect(204);
  });

  it('lets a link die at its lifetime and a minute of grace, on inspect and on confirm', async () => {
    const user = await server.createUser();
    const token = await server.tokenFor(user);
    const { body } = await server.look(token).expect(200);
    const expiresAt = new Date((body as { expiresAt: string }).expiresAt);
    const secondsLeft = (expiresAt.getTime() - server.clock.now().getTime()) / 1000;
    expect(secondsLeft).toBeLessThanOrEqual(660);
    server.clock.advance(secondsLeft - 5);
    await server.look(token).expect(200);
    server.clock.advance(10);
    expect((await server.look(token).expect(410)).body).toMatchObject({ code: 'RESET_TOKEN_EXPIRED' });
    expect((await server.confirm(token, NEW_PASSWORD).expect(410)).body).toMatchObject({
      code: 'RESET_TOKEN_EXPIRED',
    });
    await server.login(user.email, PASSWORD).expect(200);
  });

  it('refuses an access token issued before the reset right after it', async () => {
    const user = await server.createUser();
    const [first, second] = [await server.accessTokenFor(user), await server.accessTokenFor(user)];
    const token = await server.tokenFor(user);
    await server.me(first).expect(200);
    await server.confirm(token, NEW_PASSWORD).expect(204);
    await server.me(first).expect(401);
    await server.me(second).expect(401);
    await server.me(await server.accessTokenFor(user, NEW_PASSWORD)).expect(200);
  });

  it('removes every session of the person, and no other', async () => {
    const [user, other] = [await server.createUser(), await server.createUser()];
    for (const owner of [user, user, other]) await server.accessTokenFor(owner);
    const sessionsOf = async ({ id }: { id: string }) => {
      const count = 'SELECT count(*)::int AS sessions FROM latchkey.sessions WHERE user_id = $1';
      return (await server.database.query<[{ sessions: number }]>(count, [id]))[0].sessions;
    };
    const token = await server.tokenFor(user);
    expect(await sessionsOf(user)).toBe(2);
    await server.confirm(token, NEW_PASSWORD).expect(204);
    expect([await sessionsOf(user), await sessionsOf(other)]).toEqual([0, 1]);
  });

  it('signs nobody in by a reset', async () => {
    const token = await server.tokenFor(await server.createUser());
    const answer = await server.confirm(token, NEW_PASSWORD).expect(204);
    expect(answer.headers['set-cookie']).toBeUndefined();
    expect(answer.text).toBe('');
  });

  it('kills the other links of a person with a success', async () => {
    const user = await server.createUser();
    const tokens = [await server.tokenFor(user), await server.tokenFor(user), await server.tokenFor(user)];
    for (const token of tokens) await server.look(token).expect(200);
    await server.confirm(tokens[1]!, NEW_PASSWORD).expect(204);
    for (const token of tokens) {
      expect((await server.look(token).expect(410)).body).toMatchObject({ code: 'RESET_TOKEN_USED' });
      await server.confirm(token, 'an intruder was here too').expect(410);
    }
  });

  it('fails where the account is disabled while its new password is hashed, and leaves the old one', async () => {
    const user = await server.createUser();
    const token = await server.tokenFor(user);
    const users = server.app.get(UsersService);
    const prepare = users.prepareNewPassword.bind(users);
    jest.spyOn(users, 'prepareNewPassword').mockImplementationOnce(async (...passwords) => {
      const prepared = await prepare(...passwords);
      await server.database.query('UPDATE latchkey.users SET disabled_at = now() WHERE id = $1', [user.id]);
      return prepared;
    });
    const stored = () =>
      server.database.query(
        `SELECT password_hash, credentials_version, used_at FROM latchkey.users u
         JOIN latchkey.password_resets r ON r.user_id = u.id::text WHERE u.id = $1`,
        [user.id],
      );
    const before = await stored();
    expect((await server.confirm(token, NEW_PASSWORD).expect(400)).body).toMatchObject({
      code: 'RESET_TOKEN_INVALID',
    });
    expect(await stored()).toEqual(before);
  });

  it('leaves everybody else alone', async () => {
    const [user, other] = [await server.createUser(), await server.createUser()];
    const otherLink = await server.tokenFor(other);
    const otherSession = await server.accessTokenFor(other);
    await server.confirm(await server.tokenFor(user), NEW_PASSWORD).expect(204);
    await server.me(otherSession).expect(200);
    await server.look(otherLink).expect(200);
    await server.login(other.email, PASSWORD).expect(200);
  });

  it('tells the owner of the change, without a secret in it', async () => {
    const user = await server.createUser();
    const token = await server.tokenFor(user);
    await server.confirm(token, NEW_PASSWORD).expect(204);
    const notice = await server.mails.next(user.email, 1);
    expect(notice.subject).toBe('[Latchkey] Your Password Was Changed');
    expect(notice.text).toContain('127.0.0.1');
    expect(notice.source).not.toContain(token);
    expect(notice.text).not.toContain(NEW_PASSWORD);
    expect(notice.text).not.toMatch(/reset_password\/[\w.-]+/);
  });
});
