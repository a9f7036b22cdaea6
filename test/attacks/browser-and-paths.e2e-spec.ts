import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Response } from 'supertest';
import { Settings, SettingsError, readSettings } from '../../src/server/settings';
import { Route, routesOf } from '../../src/server/unknown-route.filter';
import type { User } from '../../src/users';
import { ServerProcess, temporaryFolder } from '../support/program';
import { sendAsIs, writeToSocket } from '../support/raw-request';
import { PASSWORD, TestApp } from '../support/test-app';
import { LINK_KINDS, someAddress } from './links';
import {
  Browser,
  cookieOf,
  csrfOf,
  expectNoEffect,
  NEW_PASSWORD,
  plantCookie,
  postJson,
  signIn,
  startTarget,
  submit,
} from './support';

const EVIL = 'https://evil.example';

describe('browser and paths', () => {
  let server: TestApp;
  let routes: Route[];
  let user: User;
  let victim: Browser;
  let accessToken: string;

  beforeAll(async () => {
    server = await startTarget();
    routes = routesOf(server.app);
  });
  afterAll(() => server.stop());

  beforeEach(async () => {
    user = await server.createUser();
    victim = server.browser();
    await signIn(victim, user.email, PASSWORD);
    accessToken = await server.accessTokenFor(user);
  });

  const csrfAt = async (browser: Browser, path: string) => csrfOf((await browser.get(path).expect(200)).text);
  const isSignedIn = async (browser: Browser) => (await browser.get('/account')).status === 200;
  /** A form that does all that the page asks for, whichever it is. */
  const FIELDS = {
    email: 'new@attacker.example',
    username: 'Eve',
    password: NEW_PASSWORD,
    password2: NEW_PASSWORD,
    currentPassword: PASSWORD,
  };

  describe('A74 CSRF on auth routes: no form of another site does anything', () => {
    const FOREIGN: Record<string, string>[] = [
      { Origin: EVIL },
      { Origin: 'http://localhost:3000.evil.example' },
      { Origin: 'https://localhost:3000' },
      { Origin: 'http://localhost:3001' },
      { Origin: '' },
      { 'Sec-Fetch-Site': 'cross-site' },
      { 'Sec-Fetch-Site': 'same-site' },
      { 'Sec-Fetch-Site': 'CROSS-SITE', Origin: 'http://localhost:3000' },
      { Origin: 'null', 'Sec-Fetch-Site': 'cross-site' },
      { Origin: EVIL, 'Sec-Fetch-Site': 'same-origin' },
    ];
    const forms = async (): Promise<string[]> => {
      const [, session] = /action="(\/sessions\/[^"]+\/end)"/.exec((await victim.get('/account')).text)!;
      const links = new Map<string, string>();
      for (const kind of LINK_KINDS) links.set(kind.page, (await kind.mail(server)).token);
      const paths = routes.filter(({ method, path }) => method === 'POST' && !path.startsWith('/api'));
      return paths.map(({ path }) =>
        path === '/sessions/:id/end' ? session! : path.replace(':token', links.get(path.split('/')[1]!)!),
      );
    };

    it('whatever the browser says about where it comes from, with the right token', async () => {
      const paths = await forms();
      expect(paths).toHaveLength(12);
      const csrf = await csrfAt(victim, '/account');
      await expectNoEffect(server, async () => {
        for (const path of paths)
          for (const headers of FOREIGN) {
            const answer = await victim
              .post(path)
              .type('form')
              .set(headers)
              .send({ ...FIELDS, _csrf: csrf });
            expect([path, headers, answer.status]).toEqual([path, headers, 403]);
          }
      });
      expect(await isSignedIn(victim)).toBe(true);
    });

    it('without the token, or with one of somebody else, in every place for one', async () => {
      const paths = await forms();
      const other = server.browser();
      await signIn(other, (await server.createUser()).email, PASSWORD);
      const tokens = ['', 'x', await csrfAt(other, '/account'), await csrfAt(server.browser(), '/login')];
      const own = await csrfAt(victim, '/account');
      await expectNoEffect(server, async () => {
        for (const path of paths) {
          for (const _csrf of tokens) {
            const answer = await victim
              .post(path)
              .type('form')
              .send({ ...FIELDS, _csrf });
            expect([path, answer.status]).toEqual([path, 403]);
          }
          const places = [
            victim.post(`${path}?_csrf=${own}`).type('form').send(FIELDS),
            victim.post(path).type('form').set('X-CSRF-Token', own).send(FIELDS),
            victim.post(path).type('form').set('X-XSRF-Token', own).send(FIELDS),
            victim
              .post(path)
              .type('form')
              .send({ ...FIELDS, '_csrf[]': own }),
          ];
          for (const answer of await Promise.all(places)) expect([path, answer.status]).toEqual([path, 403]);
        }
      });
    });

    it('as another type, or by another method', async () => {
      const paths = await forms();
      const csrf = await csrfAt(victim, '/account');
      const form = new URLSearchParams({ ...FIELDS, _csrf: csrf }).toString();
      await expectNoEffect(server, async () => {
        for (const path of paths) {
          for (const type of [
            'text/plain',
            'multipart/form-data; boundary=x',
            'application/json',
            'application/x-www-form-urlencoded2',
          ]) {
            const body = type.endsWith('json') ? JSON.stringify({ ...FIELDS, _csrf: csrf }) : form;
            const { status } = await victim.post(path).set('Content-Type', type).send(body);
            expect([path, type, [400, 403, 415].includes(status)]).toEqual([path, type, true]);
          }
          for (const name of ['_method', 'method'])
            await victim.get(`${path}?${form}&${name}=POST`).set('X-HTTP-Method-Override', 'POST');
        }
      });
      expect(await isSignedIn(victim)).toBe(true);
    });

    it('at the API, which knows nobody by a cookie and reads no form', async () => {
      const posts = routes.filter(({ method, path }) => method !== 'GET' && path.startsWith('/api'));
      const body = JSON.stringify(FIELDS);
      await expectNoEffect(server, async () => {
        for (const { method, path } of posts) {
          const send = () =>
            victim[method === 'DELETE' ? 'delete' : 'post'](path.replace(':id', randomUUID())).set(
              'Origin',
              EVIL,
            );
          for (const type of [
            'text/plain',
            'application/x-www-form-urlencoded',
            'multipart/form-data; boundary=x',
          ])
            expect([401, 415]).toContain((await send().set('Content-Type', type).send(body)).status);
          if (/me|logout|sessions/.test(path)) expect((await send()).status).toBe(401);
        }
        const preflight = await victim.options('/api/users/me/email').set({
          Origin: EVIL,
          'Access-Control-Request-Method': 'POST',
          'Access-Control-Request-Headers': 'content-type',
        });
        expect(preflight.headers).not.toHaveProperty('access-control-allow-origin');
      });
    });
  });

  describe('A75 login CSRF: nobody is signed in by another site', () => {
    const OTHERS = { Origin: EVIL, 'Sec-Fetch-Site': 'cross-site' };
    let intruder: User;

    beforeEach(async () => {
      intruder = await server.createUser();
    });

    it('with the form of the login, sent from elsewhere', async () => {
      const browser = server.browser();
      const _csrf = await csrfAt(browser, '/login');
      const form = { email: intruder.email, password: PASSWORD };
      for (const headers of [OTHERS, { Origin: EVIL }, { Origin: 'null', 'Sec-Fetch-Site': 'cross-site' }]) {
        const answer = await browser
          .post('/login')
          .type('form')
          .set(headers)
          .send({ ...form, _csrf });
        expect([answer.status, answer.get('Set-Cookie')]).toEqual([403, undefined]);
      }
      expect(await isSignedIn(browser)).toBe(false);
    });

    it('with a token of the intruder, whose cookie the browser does not have', async () => {
      const _csrf = await csrfAt(server.browser(), '/login');
      const browser = server.browser();
      await browser.get('/login').expect(200);
      const answer = await browser
        .post('/login')
        .type('form')
        .send({ email: intruder.email, password: PASSWORD, _csrf });
      expect([answer.status, cookieOf(browser)]).toEqual([403, undefined]);
    });

    it('with token and cookie of the intruder, from elsewhere', async () => {
      const own = server.browser();
      const _csrf = await csrfAt(own, '/login');
      const browser = server.browser();
      plantCookie(browser, 'latchkey-pre', cookieOf(own, 'latchkey-pre')!);
      const form = { email: intruder.email, password: PASSWORD, _csrf };
      for (const headers of [OTHERS, { 'Sec-Fetch-Site': 'same-site' }]) {
        const answer = await browser.post('/login').type('form').set(headers).send(form);
        expect([answer.status, cookieOf(browser)]).toEqual([403, undefined]);
      }
    });

    it('nor with a cookie that a neighbor on the domain has planted, where the site is https', async () => {
      const secure = await startTarget({ settings: { publicUrl: 'https://id.example.com' } });
      try {
        const page = await secure.http.get('/login').expect(200);
        const pair = page.get('Set-Cookie')![0]!.split(';')[0]!;
        expect(pair).toMatch(/^__Host-latchkey-pre=/);
        const form = { email: intruder.email, password: PASSWORD, _csrf: csrfOf(page.text) };
        const send = (cookie: string) =>
          secure.http.post('/login').type('form').set('Cookie', cookie).send(form);
        expect((await send(pair)).status).toBe(303);
        expect((await send(pair.replace('__Host-', ''))).status).toBe(403);
        const session = await secure.accessTokenFor(intruder);
        const asIntruder = await secure.http.get('/account').set('Cookie', `latchkey=${session}`);
        expect([asIntruder.status, asIntruder.headers['location']]).toEqual([303, '/login']);
      } finally {
        await secure.stop();
      }
    });

    it('by JSON: the answer sets no cookie', async () => {
      const answer = await server.login(intruder.email, PASSWORD).expect(200);
      expect(answer.get('Set-Cookie')).toBeUndefined();
      await postJson(server, '/api/auth/login', JSON.stringify({ email: intruder.email, password: PASSWORD }))
        .set('Content-Type', 'text/plain')
        .expect(415);
    });
  });

  describe('A76 CSRF token fixation: a token is good in its session only', () => {
    it('not the one from before the sign-in', async () => {
      const browser = server.browser();
      const [before, cookie] = [await csrfAt(browser, '/login'), cookieOf(browser, 'latchkey-pre')!];
      await signIn(browser, user.email, PASSWORD);
      expect(await refusedAsForged(browser, before)).toBe(true);
      plantCookie(browser, 'latchkey-pre', cookie);
      expect(await refusedAsForged(browser, before)).toBe(true);
    });

    it('not the one of a session that has ended, or of another one of the same account', async () => {
      const [first, second] = [victim, server.browser()];
      await signIn(second, user.email, PASSWORD);
      const [ofFirst, ofSecond] = [await csrfAt(first, '/account'), await csrfAt(second, '/account')];
      expect(await refusedAsForged(first, ofSecond)).toBe(true);
      expect(await refusedAsForged(second, ofFirst)).toBe(true);
      await submit(first, '/logout', {}, { formOf: '/account' });
      expect(await refusedAsForged(first, ofFirst, '/login')).toBe(true);
      await signIn(first, user.email, PASSWORD);
      expect(await refusedAsForged(first, ofFirst)).toBe(true);
    });

    it('not the one from before a change of password', async () => {
      const before = await csrfAt(victim, '/change_password');
      const form = { currentPassword: PASSWORD, password: NEW_PASSWORD, password2: NEW_PASSWORD };
      await submit(victim, '/change_password', form, { formOf: '/change_password' });
      expect(await isSignedIn(victim)).toBe(true);
      expect(await refusedAsForged(victim, before)).toBe(true);
    });

    /** Whether the token is the cause: the form without it is refused in the same way, and the one with a good one is not. */
    const refusedAsForged = async (browser: Browser, _csrf: string, path = '/change_email') => {
      const form = { ...FIELDS, email: 'no address' };
      const answer = await browser
        .post(path)
        .type('form')
        .send({ ...form, _csrf });
      const good = await submit(browser, path, form, { formOf: path });
      expect([400, 401]).toContain(good.status);
      return answer.status === 403;
    };
  });

  describe('A77 open redirect: no answer leads away', () => {
    const TARGETS = [
      'https://evil.example/',
      '//evil.example',
      '///evil.example',
      '/\\evil.example',
      '\\\\evil.example',
      '/\t/evil.example',
      '/%2f/evil.example',
      'https:evil.example',
      'https:/\\evil.example',
      'http://localhost:3000@evil.example',
      'http://localhost:3000.evil.example',
      'javascript:alert(1)',
      'data:text/html,x',
      '/account\r\nLocation: https://evil.example',
      '/%0d%0aLocation:%20https://evil.example',
      '\u3002\u3002//evil.example',
    ];
    const NAMES = [
      'next',
      'redirect',
      'redirect_uri',
      'return_to',
      'returnUrl',
      'continue',
      'url',
      'goto',
      'rd',
      'signed_out',
    ];
    const OURS = ['/', '/login', '/account', '/?signed_out', '/change_password', '/reset_password_request'];

    const expectOurs = (answer: Response) => {
      const { location, refresh } = answer.headers as Record<string, string>;
      expect([303, 302]).toContain(answer.status);
      expect(OURS).toContain(location);
      expect(refresh).toBeUndefined();
    };
    const queryOf = (target: string) =>
      NAMES.map((name) => `${name}=${encodeURIComponent(target)}`).join('&');

    it.each(TARGETS)('%j', async (target) => {
      const fields = Object.fromEntries(NAMES.map((name) => [name, target]));
      const headers = {
        Referer: target.startsWith('http') ? target : `${EVIL}/`,
        'X-Forwarded-Host': 'evil.example',
        'X-Original-URL': encodeURI(target),
        Host: 'evil.example',
      };
      const query = queryOf(target);
      const visitor = server.browser();
      for (const path of ['/account', '/change_password', '/change_email', '/.well-known/change-password'])
        expectOurs(await visitor.get(`${path}?${query}`).set(headers));
      for (const path of ['/login', '/register', '/reset_password_request', '/.well-known/change-password'])
        expectOurs(await victim.get(`${path}?${query}`).set(headers));
      expectOurs(await visitor.get(`/reset_password/x?${query}`).set(headers));
      const sent = { formOf: '/login', headers };
      expectOurs(
        await submit(visitor, `/reset_password_request?${query}`, { ...fields, email: someAddress() }, sent),
      );
      expectOurs(await submit(visitor, `/not_me/x?${query}`, fields, sent));
      expectOurs(
        await submit(visitor, `/login?${query}`, { ...fields, email: user.email, password: PASSWORD }, sent),
      );
      expectOurs(await submit(victim, `/logout?${query}`, fields, { formOf: '/account', headers }));
      // A form that comes after the session has ended.
      expectOurs(await submit(victim, `/change_password?${query}`, fields, { formOf: '/login', headers }));
    });

    it.each(TARGETS.filter((target) => !/[\r\n\t\u3002]/.test(target)))('the path %s', async (target) => {
      for (const path of [`/${target}`, target, `${target}/..`, `/login/${target}`, `/account${target}`]) {
        const { headers } = await sendAsIs(server.url, path.replace(/^(?=[^/h])/, '/'));
        expect(OURS).toContain(headers.location ?? '/');
      }
    });
  });

  /** The statuses of all that a socket has answered, one after the other. */
  const statusesOf = (answer: string) =>
    [...answer.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status));

  describe('A78 guard bypass by path form: who is not signed in sees nothing, however the path is written', () => {
    const PROTECTED: [method: string, path: string][] = [
      ['GET', '/api/users/me'],
      ['GET', '/api/sessions'],
      ['DELETE', '/api/sessions/6f0f1a3e-0d0c-4f8e-9a43-0f1a3e0d0c4f'],
      ['POST', '/api/users/me/password'],
      ['POST', '/api/users/me/email'],
      ['POST', '/api/auth/logout'],
      ['GET', '/account'],
      ['GET', '/change_password'],
      ['GET', '/change_email'],
    ];
    const forms = (path: string) => {
      const [last] = path.slice(-1);
      const encoded = `%${last!.charCodeAt(0).toString(16)}`;
      const parent = path.slice(0, path.lastIndexOf('/'));
      const name = path.slice(parent.length + 1);
      return [
        path,
        `${path}/`,
        `${path}//`,
        `/${path}`,
        `//${path}`,
        path.replace(/\//g, '//'),
        path.replace(/\//g, '/./'),
        path.replace(/^\//, '/%2f'),
        path.replace(/\/(?=[^/]*$)/, '%2f'),
        path.replace(/\//g, '\\'),
        path.slice(0, -1) + encoded,
        path.slice(0, -1) + encoded.toUpperCase(),
        path.slice(0, -1) + encoded.replace('%', '%25'),
        path.toUpperCase(),
        `${parent}/x/../${name}`,
        `${parent}/%2e%2e${path}`,
        `/login/..${path}`,
        `/api/auth/login/../../..${path}`,
        `${path};x=1`,
        `${path}.json`,
        `${path}%00`,
        `${path}%20`,
        `${path}%09`,
        `${path}#`,
        `${path}?/api/auth/login`,
        `${path}??`,
        `http://localhost:3000${path}`,
        `http://evil.example${path}`,
        `HTTP://localhost:3000/${path}`,
        `*${path}`,
        `@localhost${path}`,
      ];
    };
    /** Asks on a socket of its own, in any words. */
    const say = (method: string, target: string, ...headers: string[]) =>
      writeToSocket(
        server.url,
        [
          `${method} ${target} HTTP/1.1`,
          'Host: localhost:3000',
          'Connection: close',
          ...headers,
          '',
          '',
        ].join('\r\n'),
      );

    it.each(PROTECTED)('%s %s', async (method, path) => {
      await expectNoEffect(server, async () => {
        for (const target of forms(path))
          for (const verb of new Set([method, 'GET', 'HEAD', 'POST', 'get', 'PROPFIND'])) {
            const answer = await say(
              verb,
              target,
              'X-Original-URL: /login',
              'X-Rewrite-URL: /login',
              'Content-Length: 0',
            );
            const [status] = statusesOf(answer);
            const refused = status === undefined || status >= 400 || /^location: \/login\r$/im.test(answer);
            expect({ verb, target, status, refused }).toMatchObject({ refused: true });
            expect(answer).not.toContain(user.email);
          }
      });
    });

    it('and who is, is let in by the guard of the route, also where a slash is doubled', async () => {
      const bearer = `Authorization: Bearer ${accessToken}`;
      expect(statusesOf(await say('GET', '/api/users/me', bearer))).toEqual([200]);
      expect(statusesOf(await say('HEAD', '/api/users/me', bearer))).toEqual([200]);
      expect(statusesOf(await say('GET', '//api/users/me', bearer))).toEqual([200]);
      expect(statusesOf(await say('GET', '//api/users/me'))).toEqual([401]);
    });

    it('nor by a header that names another method', async () => {
      for (const name of ['X-HTTP-Method', 'X-HTTP-Method-Override', 'X-Method-Override', '_method'])
        expect(statusesOf(await say('GET', '/api/users/me', `${name}: OPTIONS`))).toEqual([401]);
    });
  });

  describe('A78 guard bypass by path form: no request hides in another', () => {
    const hidden = () => {
      const body = JSON.stringify({ email: user.email });
      return [
        'POST /api/password-reset HTTP/1.1',
        'Host: x',
        'Content-Type: application/json',
        `Content-Length: ${body.length}`,
        'Connection: close',
        '',
        body,
      ].join('\r\n');
    };
    const outer = (headers: string[], body: string) =>
      [
        'POST /api/password-reset/verify HTTP/1.1',
        'Host: x',
        'Content-Type: application/json',
        ...headers,
        '',
        body,
      ].join('\r\n');

    it.each<[string, (second: string) => string]>([
      [
        'CL.TE',
        (second) =>
          outer([`Content-Length: ${second.length + 5}`, 'Transfer-Encoding: chunked'], `0\r\n\r\n${second}`),
      ],
      ['TE.CL', (second) => outer(['Transfer-Encoding: chunked', 'Content-Length: 4'], `0\r\n\r\n${second}`)],
      ['two lengths', (second) => outer(['Content-Length: 0', `Content-Length: ${second.length}`], second)],
      ['a list of lengths', (second) => outer([`Content-Length: 0, ${second.length}`], second)],
      ['a signed length', (second) => outer(['Content-Length: +0'], second)],
      ['a length in hex', (second) => outer(['Content-Length: 0x0'], second)],
      ['a length with a space before the colon', (second) => outer(['Content-Length : 0'], second)],
      ['a folded length', (second) => outer(['Content-Length:', ' 0'], second)],
      ['an unknown coding', (second) => outer(['Transfer-Encoding: xchunked'], `0\r\n\r\n${second}`)],
      ['two codings', (second) => outer(['Transfer-Encoding: chunked, identity'], `0\r\n\r\n${second}`)],
      [
        'chunked twice',
        (second) => outer(['Transfer-Encoding: chunked', 'Transfer-Encoding: x'], `0\r\n\r\n${second}`),
      ],
      ['a vertical tab', (second) => outer(['Transfer-Encoding:\vchunked', 'Content-Length: 0'], second)],
      [
        'a chunk of a negative size',
        (second) => outer(['Transfer-Encoding: chunked'], `-1\r\n\r\n${second}`),
      ],
      ['a chunk size with a bare LF', (second) => outer(['Transfer-Encoding: chunked'], `0\n\n${second}`)],
      [
        'an extension with a bare LF',
        (second) => outer(['Transfer-Encoding: chunked'], `2;\nxx\r\n0\r\n\r\n${second}`),
      ],
      ['a bare CR in a header', (second) => outer([`X: y\r${second}`, 'Content-Length: 0'], '')],
      ['a NUL in a header', (second) => outer(['X: y\0', 'Content-Length: 0'], second)],
      ['a line without a colon', (second) => outer(['Content-Length', 'Content-Length: 0'], second)],
      [
        'a body of a GET',
        (second) =>
          `GET /login HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\n${second}`,
      ],
      [
        'a space in the path',
        (second) => `GET /login HTTP/1.1\r\nX: ${second}`.replace('/login', '/login x'),
      ],
      [
        'CR and LF in the path',
        (second) => `GET /login%0d%0a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n${second}`,
      ],
    ])('%s', async (_, write) => {
      await expectNoEffect(server, async () => {
        const answer = await writeToSocket(server.url, write(hidden()));
        expect(statusesOf(answer)).toHaveLength(1);
        expect(statusesOf(answer)[0]).toBeGreaterThanOrEqual(400);
        expect(answer).toMatch(/^connection: close\r$/im);
      });
    });

    it('but one may follow another on a connection, each answered', async () => {
      const answer = await writeToSocket(
        server.url,
        outer(['Content-Length: 13'], '{"token":"x"}') + hidden(),
      );
      expect(statusesOf(answer)).toEqual([400, 202]);
    });

    it.each(['%0d%0a', '%0a', '%0d', '%E5%98%8D%E5%98%8A', '%23%0d%0a'])(
      'nor does %s split an answer',
      async (end) => {
        const poison = `x${end}Set-Cookie:%20latchkey=evil${end}${end}HTTP/1.1%20200%20OK`;
        for (const path of [
          `/${poison}`,
          `/reset_password/${poison}`,
          `/login?next=${poison}`,
          `/api/users/me?${poison}`,
          `/not_me/${poison}`,
        ]) {
          const { headers } = await sendAsIs(server.url, path);
          for (const cookie of headers['set-cookie'] ?? []) expect(cookie).not.toContain('evil');
          expect(headers.location ?? '').not.toMatch(/[\r\n]|evil/);
        }
      },
    );
  });

  describe('A79 default accounts and keys: nothing that is published opens anything in production', () => {
    const ROOT = join(__dirname, '..', '..');
    const PRODUCTION = {
      NODE_ENV: 'production',
      PUBLIC_URL: 'https://id.example.com',
      ADMINS: 'no-reply@latchkey.dev',
      MAIL_SERVER: 'smtp.example.com',
      MAIL_USE_TLS: '1',
      SECRET_KEY: 'V5q0mJ8xT2cN7rB4wK9yF1hL6pZ3sD0gUeXa',
      DATABASE_URL: process.env['TEST_DATABASE_URL']!,
    };
    const starts = (changes: Record<string, string | undefined>): Settings =>
      readSettings({ ...PRODUCTION, ...changes });

    it('starts with keys of its own', () => expect(starts({}).environment).toBe('production'));

    it('starts with no key of any sample or page of ours', () => {
      const files = [
        '.env.example',
        'README.md',
        ...readdirSync(join(ROOT, 'docs')).map((name) => `docs/${name}`),
      ];
      const texts = files
        .filter((name) => /\.(md|example)$/.test(name))
        .map((name) => readFileSync(join(ROOT, name), 'utf8'));
      const samples = texts.flatMap((text) =>
        [...text.matchAll(/(?:SECRET_KEY|PEPPER|secretKey|pepper)\w*\s*[=:]\s*["'`]?([^\s"'`#]+)/g)].map(
          ([, value]) => value!,
        ),
      );
      expect(samples.length).toBeGreaterThan(0);
      for (const sample of samples)
        for (const name of ['SECRET_KEY', 'PASSWORD_PEPPER'])
          expect(() => {
            starts({ [name]: sample });
            throw new Error(`${name}=${sample} starts`);
          }).toThrow(SettingsError);
    });

    it.each([
      '',
      undefined,
      'secret',
      'changeme',
      'x'.repeat(64),
      'change-me-to-something-with-enough-bytes',
      'your-secret-key-goes-here-0123456789',
    ])('starts with no key such as %p', (key) =>
      expect(() => starts({ SECRET_KEY: key })).toThrow(SettingsError),
    );

    it('has no account, no mailbox and no page for trying out', async () => {
      const program = await ServerProcess.start({
        cwd: temporaryFolder(),
        env: { ...PRODUCTION, BCRYPT_COST: '10', LIMIT_PER_MINUTE: '0', LIMIT_PER_HOUR: '0' },
      });
      try {
        const source = readFileSync(join(ROOT, 'src', 'server', 'demo-account.ts'), 'utf8');
        const [email, password] = ['EMAIL', 'PASSWORD'].map(
          (name) => new RegExp(`DEMO_${name} = '(.+)'`).exec(source)![1]!,
        );
        const accounts = ['admin', 'root', 'demo', 'test', 'susan'].map((name) => `${name}@example.com`);
        const guesses = accounts.flatMap((name) =>
          [password!, PASSWORD, 'admin'].map((guess) => [name, guess]),
        );
        for (const { status } of await Promise.all(
          [[email!, password!], ...guesses].map(([name, guess]) => program.login(name!, guess!)),
        ))
          expect(status).toBe(401);
        for (const path of [
          '/dev/mailbox',
          '/dev/mailbox.json',
          '/api/docs',
          '/api/openapi.json',
          '/metrics',
          '/.env',
          '/debug',
        ])
          expect([path, (await program.http.get(path)).status]).toEqual([path, 404]);
        expect(program.stdout + program.stderr).not.toContain(password);
      } finally {
        await program.stop();
      }
    });
  });
});
