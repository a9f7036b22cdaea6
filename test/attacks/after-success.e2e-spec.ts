import type { User } from '../../src/users';
import { PASSWORD, TestApp } from '../support/test-app';
import { changeAddress, CONFIRM_EMAIL, LINK_KINDS, register, someAddress, useLink } from './links';
import {
  Browser,
  cookieOf,
  expectNoEffect,
  linkedToken,
  mailsCausedBy,
  NEW_PASSWORD,
  plantCookie,
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
    const route = way === 'confirm' ? CONFIRM_EMAIL : (['/api/email-change/cancel', {}] as const);
    await useLink(server, [...route], tokens[way]).expect(204);
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
          await server.endSession(other, id).expect(204);
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
      const stolen = cookieOf(browser)!;
      const account = () => server.http.get('/account').set('Cookie', `latchkey=${stolen}`);
      await account().expect(200);
      await submit(browser, '/logout', {}, { formOf: '/account' });
      await account().expect(303);
      await server.me(stolen).expect(401);
    });
  });

  const emailOf = async ({ id }: User): Promise<string> => {
    const rows = await server.database.query<{ email: string }[]>(
      'SELECT email FROM latchkey.users WHERE id = $1',
      [id],
    );
    return rows[0]!.email;
  };

  describe('A41 recovery skips a second factor: no mailed link signs anybody in', () => {
    const KINDS = LINK_KINDS.map((kind) => [kind.name, kind] as const);

    it.each(KINDS)('a %s, by REST', async (_, kind) => {
      const { token } = await kind.mail(server);
      for (const route of kind.routes) {
        const answer = await useLink(server, route, token);
        expect([200, 204]).toContain(answer.status);
        expect(answer.get('Set-Cookie')).toBeUndefined();
        expect(JSON.stringify(answer.body)).not.toMatch(/access|session|eyJ/i);
      }
    });

    it.each(KINDS)('a %s, by its page', async (_, kind) => {
      const { page, form } = kind;
      const { token } = await kind.mail(server);
      const browser = server.browser();
      const answer = await submit(browser, `/${page}/${token}`, form);
      expect([answer.status, answer.headers['location']]).toEqual([303, '/login']);
      expect([cookieOf(browser), await isSignedIn(browser)]).toEqual([undefined, false]);
    });

    it.each(KINDS)('a %s of one account does nothing to the account that is signed in', async (_, kind) => {
      const { token } = await kind.mail(server);
      const accessToken = await server.accessTokenFor(user);
      await useLink(server, kind.routes.at(-1)!, token, accessToken).expect(204);
      await server.me(accessToken).expect(200);
      await server.login(user.email, PASSWORD).expect(200);
      expect(await emailOf(user)).toBe(user.email);
    });
  });

  describe('A42 pre-hijacking: what was planted before the owner came is gone when they have', () => {
    const STRANGERS = 'the password of a stranger';
    const OWNERS = 'the password of its owner';

    const confirm = (token: string, password: string) =>
      useLink(server, ['/api/users/verify', { password }], token);

    it('nothing of it becomes an account by the link alone, which is all that the owner has', async () => {
      const email = someAddress();
      const planted = await register(server, email, STRANGERS);
      await confirm(planted, OWNERS).expect(403);
      await confirm(planted, '').expect(403);
      await postJson(server, '/api/users/verify', JSON.stringify({ token: planted })).expect(400);
      const browser = server.browser();
      await submit(browser, `/verify_email/${planted}`, {}, { formOf: `/verify_email/${planted}` });
      await server.login(email, STRANGERS).expect(401);
      const [mail] = await mailsCausedBy(server, () => server.ask(email).expect(202));
      await server.confirm(linkedToken(mail!, 'reset_password'), OWNERS).expect(204);
      await confirm(planted, STRANGERS).expect(410);
      await server.login(email, STRANGERS).expect(401);
      await server.login(email, OWNERS).expect(200);
    });

    it('an account with a password of the stranger', async () => {
      const email = someAddress();
      const planted = await register(server, email, STRANGERS);
      await server.login(email, STRANGERS).expect(401);
      server.clock.advance(61);
      const own = await register(server, email, OWNERS);
      await confirm(own, OWNERS).expect(204);
      await server.login(email, STRANGERS).expect(401);
      await confirm(planted, STRANGERS).expect(410);
      await server.login(email, STRANGERS).expect(401);
      await server.login(email, OWNERS).expect(200);
    });

    it('also where the owner begins with a recovery', async () => {
      const email = someAddress();
      const planted = await register(server, email, STRANGERS);
      const [mail] = await mailsCausedBy(server, () => server.ask(email).expect(202));
      await server.confirm(linkedToken(mail!, 'reset_password'), OWNERS).expect(204);
      await confirm(planted, STRANGERS).expect(410);
      await server.login(email, STRANGERS).expect(401);
      await server.login(email, OWNERS).expect(200);
    });

    it('a change to the address of the owner, asked for in an account of the stranger', async () => {
      const email = someAddress();
      const change = await changeAddress(server, user, email);
      server.clock.advance(61);
      await confirm(await register(server, email, OWNERS), OWNERS).expect(204);
      await useLink(server, CONFIRM_EMAIL, change.confirm).expect(410);
      expect(await emailOf(user)).toBe(user.email);
      await server.login(email, OWNERS).expect(200);
    });

    it('sessions, a change of address and links, from the time when the stranger had the password', async () => {
      const stranger = await signedInBrowser();
      const { confirm, email } = await changeAddress(server, user);
      const link = await server.tokenFor(user);
      await reset();
      expect(await isSignedIn(stranger)).toBe(false);
      await expectNoEffect(server, async () => {
        await useLink(server, CONFIRM_EMAIL, confirm).expect(410);
        await server.confirm(link, STRANGERS).expect(410);
      });
      await server.login(email, PASSWORD).expect(401);
    });
  });

  describe('A43 session fixation: a cookie that was planted never becomes a session', () => {
    it.each<[string, () => Promise<string>]>([
      ['a made-up value', () => Promise.resolve('known-to-the-intruder')],
      ['an id', () => Promise.resolve('6f0f1a3e-0d0c-4f8e-9a43-0f1a3e0d0c4f')],
      [
        'a session that has ended',
        async () => {
          const token = await server.accessTokenFor(await server.createUser());
          await server.http.post('/api/auth/logout').set('Authorization', `Bearer ${token}`).expect(204);
          return token;
        },
      ],
      ['the token of a link', async () => server.tokenFor(await server.createUser())],
    ])('%s', async (_, make) => {
      const [planted, victim] = [await make(), server.browser()];
      plantCookie(victim, 'latchkey', planted);
      await signIn(victim, user.email, PASSWORD);
      expect(await isSignedIn(victim)).toBe(true);
      expect(cookieOf(victim)).not.toBe(planted);
      await server.http.get('/account').set('Cookie', `latchkey=${planted}`).expect(303);
      await server.me(planted).expect(401);
    });

    it('the one from before the sign-in', async () => {
      const victim = server.browser();
      await victim.get('/login').expect(200);
      const before = cookieOf(victim, 'latchkey-pre')!;
      await signIn(victim, user.email, PASSWORD);
      expect(cookieOf(victim, 'latchkey-pre')).toBeUndefined();
      await server.http
        .get('/account')
        .set('Cookie', `latchkey=${before}; latchkey-pre=${before}`)
        .expect(303);
    });

    it('the one from before a change of password', async () => {
      const victim = await signedInBrowser();
      const before = cookieOf(victim)!;
      const form = { currentPassword: PASSWORD, password: NEW_PASSWORD, password2: NEW_PASSWORD };
      await submit(victim, '/change_password', form, { formOf: '/change_password' });
      expect(await isSignedIn(victim)).toBe(true);
      expect(cookieOf(victim)).not.toBe(before);
      await server.http.get('/account').set('Cookie', `latchkey=${before}`).expect(303);
    });

    it('not in the address, and not in a header of another name', async () => {
      const token = await server.accessTokenFor(user);
      for (const name of ['latchkey', 'session', 'sid', 'JSESSIONID', 'PHPSESSID', 'access_token']) {
        const account = `/account?${name}=${token}`;
        const answer = await server.http.get(account).set(`X-${name.replace('_', '-')}`, token);
        expect([answer.status, answer.get('Set-Cookie')]).toEqual([303, undefined]);
        await server.http.get(`/account;${name}=${token}`).expect(404);
      }
    });
  });

  describe('A44 e-mail change race: a link confirms only the address it was mailed to', () => {
    it('however a wish for the address of somebody else comes in between', async () => {
      const outcomes = new Set<number>();
      for (let round = 0; round < 8; round++) {
        const account = await server.createUser();
        const [mine, theirs] = [someAddress(), someAddress()];
        const { confirm } = await changeAddress(server, account, mine);
        const accessToken = await server.accessTokenFor(account);
        const wish = JSON.stringify({ email: theirs, currentPassword: PASSWORD });
        const [confirmed] = await Promise.all([
          useLink(server, CONFIRM_EMAIL, confirm),
          postJson(server, '/api/users/me/email', wish, accessToken),
        ]);
        outcomes.add(confirmed.status);
        expect(await emailOf(account)).toBe(confirmed.status === 204 ? mine : account.email);
        // Answered as done where it was.
        await useLink(server, CONFIRM_EMAIL, confirm).expect(confirmed.status);
        expect(await emailOf(account)).not.toBe(theirs);
      }
      for (const status of outcomes) expect([204, 410]).toContain(status);
    });

    it('of two links, each mailed to its own address, used at the same moment', async () => {
      for (let round = 0; round < 5; round++) {
        const account = await server.createUser();
        const [first, second] = [await changeAddress(server, account), await changeAddress(server, account)];
        const answers = await Promise.all(
          [first, second].map(({ confirm }) => useLink(server, CONFIRM_EMAIL, confirm)),
        );
        expect(answers.map(({ status }) => status)).toEqual([410, 204]);
        expect(await emailOf(account)).toBe(second.email);
      }
    });
  });

  describe('A45 self-verification by API: an address is proven by its mailbox alone', () => {
    const CLAIMS: Record<string, unknown> = {
      emailVerified: true,
      email_verified: 'true',
      verified: 1,
      isVerified: true,
      confirmed: true,
      confirmedAt: '2020-01-01T00:00:00Z',
      unverifiedSince: null,
      unverified_since: '',
      status: 'active',
      token: 'x',
    };
    const claimed = Object.entries(CLAIMS);
    const asForm = Object.fromEntries(claimed.map(([name, value]) => [name, String(value)]));
    const query = new URLSearchParams(asForm).toString();

    it('at the registration', async () => {
      const email = someAddress();
      const fields = { email, username: 'Susan', password: NEW_PASSWORD };
      for (const [name, value] of claimed) {
        const { body } = await postJson(
          server,
          '/api/users',
          JSON.stringify({ ...fields, [name]: value }),
        ).expect(400);
        expect(body.errors).toContainEqual(expect.objectContaining({ field: name, code: 'unknown_field' }));
      }
      const byForm = { ...asForm, ...fields, password2: NEW_PASSWORD };
      expect((await submit(server.browser(), `/register?${query}`, byForm)).status).toBe(303);
      await postJson(server, `/api/users?${query}`, JSON.stringify(fields)).expect(202);
      await server.idle();
      await server.login(email, NEW_PASSWORD).expect(401);
      const rows = await server.database.query<{ unverified: boolean }[]>(
        'SELECT unverified_since IS NOT NULL AS unverified FROM latchkey.users WHERE email = $1',
        [email],
      );
      expect(rows).toEqual([{ unverified: true }]);
    });

    it('at a change of address', async () => {
      const [accessToken, email] = [await server.accessTokenFor(user), someAddress()];
      const wish = { email, currentPassword: PASSWORD };
      for (const [name, value] of claimed)
        await postJson(
          server,
          '/api/users/me/email',
          JSON.stringify({ ...wish, [name]: value }),
          accessToken,
        ).expect(400);
      await postJson(server, `/api/users/me/email?${query}`, JSON.stringify(wish), accessToken).expect(202);
      const browser = await signedInBrowser();
      await submit(browser, `/change_email?${query}`, { ...asForm, ...wish }, { formOf: '/change_email' });
      await server.idle();
      expect(await emailOf(user)).toBe(user.email);
      await server.login(email, PASSWORD).expect(401);
    });

    it('by a method that writes to an account', async () => {
      const accessToken = await server.accessTokenFor(user);
      await expectNoEffect(server, async () => {
        for (const path of ['/api/users/me', `/api/users/${user.id}`, '/api/users/me/email', '/api/users'])
          for (const method of ['put', 'patch', 'delete'] as const) {
            const { status } = await server.http[method](path)
              .set('Authorization', `Bearer ${accessToken}`)
              .set('X-HTTP-Method-Override', 'PATCH')
              .send({ email: 'evil@attacker.example', ...CLAIMS });
            expect([path, method, [404, 405].includes(status)]).toEqual([path, method, true]);
          }
      });
    });
  });
});
