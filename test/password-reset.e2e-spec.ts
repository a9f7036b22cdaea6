import { until } from './support/mail-reader';
import { AdapterName, PASSWORD, TestApp, tokenIn } from './support/test-app';

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

  it('keeps the link when the password is refused', async () => {
    const user = await server.createUser();
    const token = await server.tokenFor(user);
    const answer = await server.confirm(token, 'too short').expect(422);
    expect(answer.type).toBe('application/problem+json');
    expect(answer.body).toMatchObject({
      code: 'PASSWORD_REJECTED',
      errors: [{ field: 'password', code: 'too_short', message: expect.any(String) as string }],
    });
    await server
      .confirm(token, PASSWORD)
      .expect(422)
      .expect(({ body }) => {
        expect((body as { errors: { code: string }[] }).errors.map(({ code }) => code)).toEqual([
          'unchanged',
        ]);
      });
    await server.login(user.email, PASSWORD).expect(200);
    await server.confirm(token, NEW_PASSWORD).expect(204);
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

  it('lets a link die at its lifetime, on look and on confirm', async () => {
    const user = await server.createUser();
    const token = await server.tokenFor(user);
    const secondsLeft = async () => {
      const { body } = await server.look(token).expect(200);
      return (
        (new Date((body as { expiresAt: string }).expiresAt).getTime() - server.clock.now().getTime()) / 1000
      );
    };
    // Until the mail server has confirmed the mail, the link lives a little longer.
    await until(async () => (await secondsLeft()) <= 600, 'the final lifetime');
    server.clock.advance(600 - 5);
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
