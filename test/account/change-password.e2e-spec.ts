import { MailService } from '../../src/mail';
import { User } from '../../src/users';
import { Account } from '../support/account';
import { AdapterName, PASSWORD, TestApp, tokenIn } from '../support/test-app';

const NEW_PASSWORD = 'staple battery horse correct';

const credentialsOf = async (server: TestApp, { id }: User) => {
  const columns = 'email, email_key, password_hash, credentials_version';
  return server.database.query(`SELECT ${columns} FROM latchkey.users WHERE id = $1`, [id]);
};

describe.each<AdapterName>(['fastify', 'express'])('change of password over REST, on %s', (adapter) => {
  let server: TestApp;
  let account: Account;

  beforeAll(async () => {
    server = await TestApp.start({ adapter });
    account = new Account(server);
  });
  afterAll(() => server.stop());

  it.each(['', 'wrong', `${PASSWORD} `, NEW_PASSWORD])(
    'is not done for who has a session but not the password: %j',
    async (guess) => {
      const user = await server.createUser();
      const stolen = await server.accessTokenFor(user);
      const before = await credentialsOf(server, user);
      const answer = await account.changePassword(stolen, NEW_PASSWORD, guess).expect(403);
      expect(answer.body).toMatchObject({
        code: 'WRONG_PASSWORD',
        errors: [{ field: 'currentPassword', code: 'wrong' }],
      });
      expect(await credentialsOf(server, user)).toEqual(before);
      await server.me(stolen).expect(200);
      await server.idle();
      expect(server.mails.countTo(user.email)).toBe(0);
    },
  );

  it.each(['', 'Bearer', 'Bearer x', 'Basic c3VzYW46c3VzYW4='])(
    'is not done for who is not signed in: %j',
    async (authorization) => {
      const body = { currentPassword: PASSWORD, password: NEW_PASSWORD };
      const request = server.http.post('/api/users/me/password').send(body);
      const answer = await (authorization ? request.set('Authorization', authorization) : request);
      expect(answer.status).toBe(401);
    },
  );

  it('ends every session, the one that asked too, and begins one with a new id', async () => {
    const user = await server.createUser();
    const sessions = [await server.accessTokenFor(user), await server.accessTokenFor(user)];
    const { body } = await account.changePassword(sessions[0]!, NEW_PASSWORD).expect(200);
    expect(body).toEqual({
      accessToken: expect.any(String) as string,
      tokenType: 'Bearer',
      expiresIn: 43_200,
    });
    for (const session of sessions) {
      await server.me(session).expect(401);
      await account.changePassword(session, 'a third and longer one', NEW_PASSWORD).expect(401);
    }
    expect((await server.me(body.accessToken).expect(200)).body).toMatchObject({ id: user.id });
    await server.login(user.email, PASSWORD).expect(401);
    await server.login(user.email, NEW_PASSWORD).expect(200);
  });

  it('kills links that were mailed before', async () => {
    const user = await server.createUser();
    const reset = await server.tokenFor(user);
    const { confirm } = await account.emailChangeTokens(user, `new-${user.email}`);
    const session = await server.accessTokenFor(user);
    await account.changePassword(session, NEW_PASSWORD).expect(200);
    await server.confirm(reset, 'an intruder was here too').expect(410);
    await account.confirmEmail(confirm).expect(410);
    expect((await server.me(await server.accessTokenFor(user, NEW_PASSWORD))).body).toMatchObject({
      email: user.email,
    });
  });

  it('leaves everybody else alone', async () => {
    const [user, other] = [await server.createUser(), await server.createUser()];
    const [session, otherSession] = [await server.accessTokenFor(user), await server.accessTokenFor(other)];
    const otherLink = await server.tokenFor(other);
    await account.changePassword(session, NEW_PASSWORD).expect(200);
    await server.me(otherSession).expect(200);
    await server.look(otherLink).expect(200);
    await server.login(other.email, PASSWORD).expect(200);
  });

  it.each([
    ['too_short', 'too short'],
    ['unchanged', PASSWORD],
  ])('refuses a password that is %s, and nothing has changed', async (reason, password) => {
    const user = await server.createUser();
    const session = await server.accessTokenFor(user);
    const before = await credentialsOf(server, user);
    const answer = await account.changePassword(session, password).expect(422);
    expect(answer.body).toMatchObject({
      code: 'PASSWORD_REJECTED',
      errors: [{ field: 'password', code: reason }],
    });
    expect(await credentialsOf(server, user)).toEqual(before);
    await server.me(session).expect(200);
  });

  it('refuses two passwords that differ, before it looks at anything else', async () => {
    const session = await server.accessTokenFor(await server.createUser());
    const send = (passwordConfirmation: string) =>
      server.http
        .post('/api/users/me/password')
        .set('Authorization', `Bearer ${session}`)
        .send({ currentPassword: PASSWORD, password: NEW_PASSWORD, passwordConfirmation });
    const answer = await send(`${NEW_PASSWORD}!`).expect(400);
    expect(answer.body).toMatchObject({ errors: [{ field: 'passwordConfirmation', code: 'mismatch' }] });
    await server.me(session).expect(200);
    await send(NEW_PASSWORD).expect(200);
  });

  it('tells the owner, with a way to recover and no secret in it', async () => {
    const user = await server.createUser({ username: 'https://evil.example/x' });
    const session = await server.accessTokenFor(user);
    const { body } = await account.changePassword(session, NEW_PASSWORD).expect(200);
    const notice = await server.mails.next(user.email);
    expect(notice.subject).toBe('[Latchkey] Your Password Was Changed');
    expect(notice.text).toContain('127.0.0.1');
    expect(notice.text.match(/https?:\/\/\S+/g)).toEqual(['http://localhost:3000/reset_password_request']);
    for (const secret of [PASSWORD, NEW_PASSWORD, session, body.accessToken as string, 'evil.example'])
      expect(notice.source).not.toContain(secret);
  });
});

describe('changes of password at the same time', () => {
  let server: TestApp;
  let account: Account;

  beforeAll(async () => {
    server = await TestApp.start();
    account = new Account(server);
  });
  afterAll(() => server.stop());

  it('lets one of 20 changes in one session win, and its token alone is good', async () => {
    const user = await server.createUser();
    const session = await server.accessTokenFor(user);
    const passwords = Array.from({ length: 20 }, (_, n) => `a rather long password ${n}`);
    const answers = await Promise.all(passwords.map((password) => account.changePassword(session, password)));
    const winners = answers.flatMap(({ status }, n) => (status === 200 ? [n] : []));
    expect(winners).toHaveLength(1);
    const losers = answers.filter(({ status }) => status !== 200).map(({ status }) => status);
    for (const status of losers) expect([401, 403]).toContain(status);
    await server.me((answers[winners[0]!]!.body as { accessToken: string }).accessToken).expect(200);
    await server.login(user.email, passwords[winners[0]!]!).expect(200);
    await server.idle();
    expect(server.mails.countTo(user.email)).toBe(1);
    expect(await credentialsOf(server, user)).toMatchObject([{ credentials_version: 2 }]);
  });

  it('never lets a change and a reset both win', async () => {
    for (let round = 0; round < 10; round++) {
      const user = await server.createUser();
      const [token, session] = [await server.tokenFor(user), await server.accessTokenFor(user)];
      const [change, reset] = await Promise.all([
        account.changePassword(session, NEW_PASSWORD),
        server.confirm(token, 'the password of the reset'),
      ]);
      expect([change.status === 200, reset.status === 204].filter(Boolean)).toHaveLength(1);
      const password = change.status === 200 ? NEW_PASSWORD : 'the password of the reset';
      await server.login(user.email, password).expect(200);
    }
  });
});

it('happens whole or not at all: when the notice cannot be queued, nothing has changed', async () => {
  const server = await TestApp.start();
  jest.spyOn(server.app.get(MailService), 'enqueue').mockRejectedValue(new Error('no queue'));
  try {
    const user = await server.createUser();
    const [session, link] = [await server.accessTokenFor(user), await server.tokenFor(user)];
    const before = await credentialsOf(server, user);
    await new Account(server).changePassword(session, NEW_PASSWORD).expect(500);
    expect(await credentialsOf(server, user)).toEqual(before);
    await server.me(session).expect(200);
    await server.look(link).expect(200);
  } finally {
    await server.stop();
  }
});

it('leaves the road of the forgotten password open', async () => {
  const server = await TestApp.start();
  try {
    const user = await server.createUser();
    await new Account(server).changePassword(await server.accessTokenFor(user), NEW_PASSWORD).expect(200);
    const seen = server.mails.countTo(user.email);
    await server.ask(user.email).expect(202);
    const mails = [await server.mails.next(user.email, 0), await server.mails.next(user.email, 1)];
    expect(seen).toBeLessThanOrEqual(1);
    const withLink = mails.find(({ subject }) => subject.includes('Reset'))!;
    await server.confirm(tokenIn(withLink.text), 'yet another long password').expect(204);
  } finally {
    await server.stop();
  }
});
