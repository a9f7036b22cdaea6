import { PASSWORD, TestApp } from '../support/test-app';
import { until } from '../support/mail-reader';
import { RepeatedConfirmations } from '../../src/limits';
import { MailService } from '../../src/mail';
import { PasswordResetHooks } from '../../src/password-reset';
import { UsersService } from '../../src/users';

const passwords = Array.from({ length: 50 }, (_, n) => `a rather long password ${n}`);

describe('a link is good for one change, whatever happens at the same time', () => {
  let server: TestApp;

  beforeAll(async () => {
    server = await TestApp.start();
  });
  afterAll(() => server.stop());

  const passwordsThatWork = async (email: string, candidates: string[]) => {
    const answers = [];
    for (const password of candidates)
      answers.push({ password, status: (await server.login(email, password)).status });
    return answers.filter(({ status }) => status === 200).map(({ password }) => password);
  };

  it('lets only one of 50 parallel confirmations win', async () => {
    const user = await server.createUser();
    const token = await server.tokenFor(user);
    const answers = await Promise.all(passwords.map((password) => server.confirm(token, password)));
    const winners = answers.flatMap(({ status }, n) => (status === 204 ? [passwords[n]] : []));
    expect(winners).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 410)).toHaveLength(49);
    expect(await passwordsThatWork(user.email, passwords)).toEqual(winners);
    await server.mails.next(user.email, 1);
    expect(
      await server.database.query('SELECT credentials_version FROM latchkey.users WHERE id = $1', [user.id]),
    ).toEqual([{ credentials_version: 2 }]);
  });

  it('answers a confirmation that meets the new password of the same link as used, never as good for another password', async () => {
    const user = await server.createUser();
    const token = await server.tokenFor(user);
    const users = server.app.get(UsersService);
    const prepare = users.prepareNewPassword.bind(users);
    let goOn!: () => void;
    const first = new Promise<void>((resolve) => (goOn = resolve));
    const held = jest.spyOn(users, 'prepareNewPassword').mockImplementationOnce(async (...parameters) => {
      await first;
      return prepare(...parameters);
    });
    const repeats = jest.spyOn(RepeatedConfirmations.prototype, 'allow').mockResolvedValue(false);
    try {
      const late = server.confirm(token, passwords[0]!).then((answer) => answer);
      await until(() => held.mock.calls.length === 1, 'the late confirmation');
      await server.confirm(token, passwords[0]!).expect(204);
      goOn();
      const { status, body } = await late;
      expect([status, body.code]).toEqual([410, 'RESET_TOKEN_USED']);
    } finally {
      held.mockRestore();
      repeats.mockRestore();
    }
  });

  it('gives one success for two links of one person used in parallel', async () => {
    for (let round = 0; round < 10; round++) {
      const user = await server.createUser();
      const tokens = [await server.tokenFor(user), await server.tokenFor(user)];
      const answers = await Promise.all(tokens.map((token, n) => server.confirm(token, passwords[n]!)));
      expect(answers.map(({ status }) => status).sort()).toEqual([204, 410]);
    }
  });

  it('sends exactly one notice for one success', async () => {
    const user = await server.createUser();
    const token = await server.tokenFor(user);
    await Promise.all(passwords.slice(0, 8).map((password) => server.confirm(token, password)));
    await server.mails.next(user.email, 1);
    const other = await server.createUser();
    await server.confirm(await server.tokenFor(other), passwords[0]!).expect(204);
    await server.mails.next(other.email, 1);
    expect(server.mails.countTo(user.email)).toBe(2);
  });

  it('ends a session that was begun with the old password while the reset was under way', async () => {
    for (let round = 0; round < 10; round++) {
      const user = await server.createUser();
      const token = await server.tokenFor(user);
      const [login] = await Promise.all([
        server.login(user.email, PASSWORD),
        server.confirm(token, passwords[0]!),
      ]);
      if (login.status === 200)
        await server.me((login.body as { accessToken: string }).accessToken).expect(401);
    }
  });
});

describe('a reset happens whole or not at all', () => {
  it.each([
    [
      'the notice cannot be queued',
      ({ app }: TestApp) =>
        jest.spyOn(app.get(MailService), 'enqueue').mockRejectedValue(new Error('no queue')),
    ],
    [
      'a hook of the host throws',
      ({ app }: TestApp) =>
        jest.spyOn(app.get(PasswordResetHooks), 'onPasswordReset').mockRejectedValue(new Error('not today')),
    ],
  ])('keeps link, password and sessions when %s', async (_, breakIt) => {
    const server = await TestApp.start();
    try {
      breakIt(server);
      const user = await server.createUser();
      const session = await server.accessTokenFor(user);
      const link = await server.tokenFor(user);
      const answer = await server.confirm(link, passwords[0]!).expect(500);
      expect(answer.body).toMatchObject({ code: 'INTERNAL_ERROR' });
      await server.look(link).expect(200);
      await server.me(session).expect(200);
      await server.login(user.email, PASSWORD).expect(200);
      await server.login(user.email, passwords[0]!).expect(401);
    } finally {
      await server.stop();
    }
  });

  it('answers an ask after a restart', async () => {
    const first = await TestApp.start({ settings: { role: 'web' } });
    const user = await first.createUser();
    await first.ask(user.email).expect(202);
    await first.stop();
    const second = await TestApp.start();
    try {
      await second.mails.next(user.email);
      await until(() => second.mails.countTo(user.email) === 1, 'one mail');
    } finally {
      await second.stop();
    }
  });
});
