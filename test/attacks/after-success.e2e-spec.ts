import type { User } from '../../src/users';
import { PASSWORD, TestApp } from '../support/test-app';
import { changeAddress, useLink } from './links';
import {
  Browser,
  linkedToken,
  mailsCausedBy,
  NEW_PASSWORD,
  postJson,
  signIn,
  startTarget,
  submit,
} from './support';

describe('after a success', () => {
  let server: TestApp;
  let user: User;

  beforeAll(async () => {
    server = await startTarget();
  });
  afterAll(() => server.stop());

  beforeEach(async () => {
    user = await server.createUser();
  });

  const reset = async (account = user) =>
    server.confirm(await server.tokenFor(account), NEW_PASSWORD).expect(204);
  const disavow = async () => {
    const [mail] = await mailsCausedBy(server, () => server.ask(user.email).expect(202));
    await useLink(server, ['/api/password-reset/disavow', {}], linkedToken(mail!, 'not_me')).expect(204);
  };
  const changePassword = async () => {
    const body = JSON.stringify({ currentPassword: PASSWORD, password: NEW_PASSWORD });
    await postJson(server, '/api/users/me/password', body, await server.accessTokenFor(user)).expect(200);
  };
  const useChangeOfAddress = (way: 'confirm' | 'cancel') => async () => {
    const tokens = await changeAddress(server, user);
    await useLink(server, [`/api/email-change/${way}`, {}], tokens[way]).expect(204);
  };
  const signedInBrowser = async (): Promise<Browser> => {
    const browser = server.browser();
    await signIn(browser, user.email, PASSWORD);
    return browser;
  };
  const isSignedIn = async (browser: Browser) => (await browser.get('/account')).status === 200;
  const idOf = async (accessToken: string): Promise<string> => {
    const { body } = await server.http
      .get('/api/sessions')
      .set('Authorization', `Bearer ${accessToken}`)
      .expect(200);
    const { sessions } = body as { sessions: { id: string; current: boolean }[] };
    return sessions.find(({ current }) => current)!.id;
  };

  describe('A38 sessions survive: none does', () => {
    it.each([
      ['a reset', () => reset()],
      ['a change of password', changePassword],
      ['a change of address', useChangeOfAddress('confirm')],
      ['the stop of a change of address', useChangeOfAddress('cancel')],
      ['"this was not me"', disavow],
    ])('%s', async (_, succeed) => {
      const others = await server.accessTokenFor(await server.createUser());
      const tokens: string[] = [];
      const browsers: Browser[] = [];
      for (let n = 0; n < 3; n++) {
        tokens.push(await server.accessTokenFor(user));
        browsers.push(await signedInBrowser());
      }
      for (const token of tokens) await server.me(token).expect(200);
      for (const browser of browsers) expect(await isSignedIn(browser)).toBe(true);
      await succeed();
      for (const token of tokens) await server.me(token).expect(401);
      for (const browser of browsers) expect(await isSignedIn(browser)).toBe(false);
      await server.me(others).expect(200);
    });

    it('not even one that begins at the same moment with the old password', async () => {
      for (let round = 0; round < 5; round++) {
        const account = await server.createUser();
        const token = await server.tokenFor(account);
        const [login] = await Promise.all([
          server.login(account.email, PASSWORD),
          server.confirm(token, NEW_PASSWORD).expect(204),
        ]);
        if (login.status === 200) await server.me(login.body.accessToken).expect(401);
        else expect(login.status).toBe(401);
      }
    });

    it('and the reset itself signs nobody in', async () => {
      const token = await server.tokenFor(user);
      const browser = server.browser();
      const form = { password: NEW_PASSWORD, password2: NEW_PASSWORD };
      await submit(browser, `/reset_password/${token}`, form).then(({ headers }) =>
        expect(headers['location']).toBe('/login'),
      );
      expect(await isSignedIn(browser)).toBe(false);
    });
  });

  describe('A39 remember-me survives: the cookie that outlives the browser does not outlive the password', () => {
    it('kept and sent again after a reset', async () => {
      const answer = await submit(server.browser(), '/login', { email: user.email, password: PASSWORD });
      const cookie = answer.get('Set-Cookie')!.find((line) => line.startsWith('latchkey='))!;
      expect(cookie).toMatch(/; Max-Age=\d+/);
      const account = () => server.http.get('/account').set('Cookie', cookie.split(';')[0]!);
      await account().expect(200);
      await reset();
      for (const seconds of [0, 60, 3600]) {
        server.clock.advance(seconds);
        await account().expect(303);
      }
      // Nor does anything of the server make a new one of it.
      expect((await account()).get('Set-Cookie')?.some((line) => /^latchkey=[^;]/.test(line)) ?? false).toBe(
        false,
      );
    });

    it('in a form that was open at the time', async () => {
      const browser = await signedInBrowser();
      const page = await browser.get('/change_password').expect(200);
      const csrf = /name="_csrf" value="([^"]+)"/.exec(page.text)![1]!;
      await reset();
      const form = {
        currentPassword: NEW_PASSWORD,
        password: 'an intruder was here too',
        password2: 'an intruder was here too',
      };
      const late = await browser
        .post('/change_password')
        .type('form')
        .send({ ...form, _csrf: csrf });
      expect([303, 403]).toContain(late.status);
      await server.login(user.email, NEW_PASSWORD).expect(200);
    });
  });

  describe('A40 JWT outlives logout or change: it is refused at once, everywhere', () => {
    let accessToken: string;

    beforeEach(async () => {
      accessToken = await server.accessTokenFor(user);
    });

    const bearer = () => ({ Authorization: `Bearer ${accessToken}` });
    const sql = (statement: string) => () => server.database.query(`${statement} WHERE id = $1`, [user.id]);

    it.each<[string, () => Promise<unknown>]>([
      ['a sign-out', async () => server.http.post('/api/auth/logout').set(bearer()).expect(204)],
      [
        'the end of the session, by itself',
        async () =>
          server.http
            .delete(`/api/sessions/${await idOf(accessToken)}`)
            .set(bearer())
            .expect(204),
      ],
      [
        'the end of the session, by another one',
        async () => {
          const id = await idOf(accessToken);
          const other = await server.accessTokenFor(user);
          await server.http.delete(`/api/sessions/${id}`).set('Authorization', `Bearer ${other}`).expect(204);
        },
      ],
      ['a reset', () => reset()],
      ['a change of password', changePassword],
      ['a change of address', useChangeOfAddress('confirm')],
      ['the stop of a change of address', useChangeOfAddress('cancel')],
      ['"this was not me"', disavow],
      ['the account is disabled', sql('UPDATE latchkey.users SET disabled_at = now()')],
      ['the account is deleted', sql('DELETE FROM latchkey.users')],
    ])('after %s', async (_, end) => {
      await server.me(accessToken).expect(200);
      await end();
      await server.me(accessToken).expect(401);
      await server.http.get('/api/sessions').set(bearer()).expect(401);
      await server.http.post('/api/auth/logout').set(bearer()).expect(401);
      for (const currentPassword of [PASSWORD, NEW_PASSWORD]) {
        const password = JSON.stringify({ currentPassword, password: 'an intruder was here too' });
        await postJson(server, '/api/users/me/password', password, accessToken).expect(401);
        const email = JSON.stringify({ currentPassword, email: 'evil@attacker.example' });
        await postJson(server, '/api/users/me/email', email, accessToken).expect(401);
      }
      await server.http.get('/account').set('Cookie', `latchkey=${accessToken}`).expect(303);
    });

    it('after a sign-out on a page', async () => {
      const browser = await signedInBrowser();
      const stolen = browser.jar.getCookie('latchkey', {
        domain: '127.0.0.1',
        path: '/',
        secure: false,
        script: false,
      });
      const account = () => server.http.get('/account').set('Cookie', `latchkey=${stolen!.value}`);
      await account().expect(200);
      await submit(browser, '/logout', {}, { formOf: '/account' });
      await account().expect(303);
      await server.me(stolen!.value).expect(401);
    });
  });
});
