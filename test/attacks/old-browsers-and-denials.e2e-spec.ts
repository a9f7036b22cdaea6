import { AuditTrail } from '../../src/audit';
import { AuditRecorder } from '../../src/audit/audit-recorder';
import { SampledEvents, SecurityAct } from '../../src/common';
import { Csrf } from '../../src/pages/csrf';
import { routesOf } from '../../src/server/unknown-route.filter';
import type { User } from '../../src/users';
import { PASSWORD, TestApp } from '../support/test-app';
import { LINK_KINDS } from './links';
import {
  Browser,
  cookieOf,
  csrfOf,
  expectNoEffect,
  NEW_PASSWORD,
  plantCookie,
  signIn,
  startTarget,
} from './support';

/** What Safari before 16.4 sends from a page without referrer, and a sandboxed frame of anybody in it. */
const HIDDEN = { Origin: 'null' };
const FIELDS = {
  username: 'Eve',
  password: NEW_PASSWORD,
  password2: NEW_PASSWORD,
  currentPassword: PASSWORD,
};

describe('old browsers and denials', () => {
  let server: TestApp;
  let user: User;

  beforeAll(async () => {
    server = await startTarget({ settings: { publicUrl: 'https://id.example.com' } });
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    user = await server.createUser();
  });

  /** Somebody with the cookies of one page, over the plain socket behind the proxy. */
  async function visit(path: string, session?: string) {
    const jar = new Map<string, string>(session ? [['__Host-latchkey', session]] : []);
    const cookies = () => [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const page = await server.http.get(path).set('Cookie', cookies());
    for (const cookie of page.get('Set-Cookie') ?? []) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie)!;
      jar.set(name!, value!);
    }
    const submit = (to: string, fields: object, headers: object = HIDDEN) =>
      server.http
        .post(to)
        .type('form')
        .set({ Cookie: cookies(), ...headers })
        .send({ _csrf: csrfOf(page.text), ...fields });
    return { page, submit };
  }

  describe('A96 hidden origin: a browser without fetch metadata can use every form, a frame in it none', () => {
    it('signs in, asks, resets, registers and signs out', async () => {
      const login = await visit('/login');
      const signedIn = await login.submit('/login', { email: user.email, password: PASSWORD });
      expect([signedIn.status, signedIn.headers['location']]).toEqual([303, '/']);
      const [, session] = /__Host-latchkey=([^;]+)/.exec(signedIn.get('Set-Cookie')!.join('\n'))!;
      const account = await visit('/account', session);
      expect((await account.submit('/logout', {})).headers['location']).toBe('/?signed_out');

      const request = await visit('/reset_password_request');
      expect((await request.submit('/reset_password_request', { email: user.email })).status).toBe(303);
      const register = await visit('/register');
      const registration = { ...FIELDS, email: `${user.id}@new.example.com` };
      expect((await register.submit('/register', registration)).headers['location']).toBe('/login');
      await server.idle();
      for (const kind of LINK_KINDS.filter(({ name }) => name === 'reset')) {
        const path = `/${kind.page}/${await linkOf(kind.page)}`;
        const form = await visit(path);
        expect(form.page.headers['referrer-policy']).toBe('no-referrer');
        expect((await form.submit(path, kind.form)).headers['location']).toBe('/login');
      }
      await server.login(user.email, NEW_PASSWORD).expect(200);
    });

    it('but no form without the token, or with one of another visitor', async () => {
      const session = await server.accessTokenFor(user);
      const [victim, stranger] = [await visit('/account', session), await visit('/login')];
      const paths = routesOf(server.app)
        .filter(({ method, path }) => method === 'POST' && !path.startsWith('/api'))
        .map(({ path }) => path.replace(/:\w+/, 'x'));
      expect(paths).toHaveLength(12);
      await expectNoEffect(server, async () => {
        for (const path of paths)
          for (const _csrf of ['', 'x', csrfOf(stranger.page.text)]) {
            const answer = await victim.submit(path, { ...FIELDS, email: user.email, _csrf });
            // The form once more; where its link is dead, why.
            const isDead = /\/x$/.test(path) && answer.status === 303;
            expect([path, isDead || answer.status]).toEqual([path, isDead || 403]);
          }
        for (const site of ['cross-site', 'same-site'])
          expect((await victim.submit('/logout', {}, { ...HIDDEN, 'Sec-Fetch-Site': site })).status).toBe(
            403,
          );
      });
      await server.me(session).expect(200);
    });

    it('tells pages without a secret in their address to name their origin', async () => {
      for (const path of ['/', '/login', '/register', '/reset_password_request'])
        expect((await server.http.get(path)).headers['referrer-policy']).toBe('same-origin');
      for (const path of ['/reset_password/x', '/verify_email/x', '/nowhere/x'])
        expect((await server.http.get(path)).headers['referrer-policy']).toBe('no-referrer');
    });

    /** The token of the latest link that the user was mailed. */
    async function linkOf(page: string): Promise<string> {
      const mail = await server.mails.next(user.email);
      return new RegExp(`/${page}/([\\w.-]+)`).exec(mail.text)![1]!;
    }
  });

  describe('A97 token of another kind: a session is no pre-session', () => {
    it('refuses a token of the session where the same id is planted as a pre-session, and the other way round', async () => {
      const plain = await startTarget();
      try {
        const csrf = plain.app.get(Csrf);
        const owner = await plain.createUser();
        const browser: Browser = plain.browser();
        await signIn(browser, owner.email, PASSWORD);
        const ofSession = csrfOf((await browser.get('/account')).text);
        const { jti: sessionId } = JSON.parse(
          Buffer.from(cookieOf(browser)!.split('.')[1]!, 'base64url').toString(),
        ) as { jti: string };
        const request = (state: object) => ({ cookies: {}, ...state }) as Parameters<Csrf['verify']>[0];
        const authenticated = { user: owner, sessionId };
        expect(csrf.verify(request({ authenticated }), ofSession)).toBe(true);
        expect(csrf.verify(request({ cookies: { 'latchkey-pre': sessionId } }), ofSession)).toBe(false);

        const visitor: Browser = plain.browser();
        const ofVisitor = csrfOf((await visitor.get('/login')).text);
        const preSession = cookieOf(visitor, 'latchkey-pre')!;
        expect(csrf.verify(request({ cookies: { 'latchkey-pre': preSession } }), ofVisitor)).toBe(true);
        const posing = { authenticated: { ...authenticated, sessionId: preSession } };
        expect(csrf.verify(request(posing), ofVisitor)).toBe(false);

        const intruder: Browser = plain.browser();
        plantCookie(intruder, 'latchkey-pre', sessionId);
        const answer = await intruder
          .post('/login')
          .type('form')
          .send({ email: owner.email, password: PASSWORD, _csrf: ofSession });
        expect([answer.status, cookieOf(intruder)]).toEqual([403, undefined]);
      } finally {
        await plain.stop();
      }
    });
  });

  describe('A98 flood of denials: each kind is recorded, and none fills the record', () => {
    const FLOOD = 50;
    const recorded = async (act: SecurityAct) => {
      await server.app.get(AuditRecorder).flush();
      return (await server.app.get(AuditTrail).find({ act, limit: 1000 })).reverse();
    };

    it.each([
      ['link_refused', () => server.look('forged')],
      ['link_refused', () => server.http.get('/confirm_email/forged')],
      ['access_refused', () => server.me('forged')],
      ['request_refused', () => server.http.post('/api/auth/login').send({ email: 'x', password: 1 })],
      ['form_refused', () => server.http.post('/login').type('form').send({ email: 'x' })],
    ] as const)('%s', async (act, refused) => {
      server.clock.advance(61);
      // A window that ends in the middle would be two.
      server.clock.freeze();
      await server.app.get(SampledEvents).summarize();
      // Other specs have left events here, some of them of a time to come.
      const known = new Set((await recorded(act)).map(({ id }) => id));
      const fresh = async () => (await recorded(act)).filter(({ id }) => !known.has(id));
      for (let n = 0; n < FLOOD; n++) await refused();
      const during = await fresh();
      expect(during).toHaveLength(20);
      for (const { outcome, source, details } of during) {
        expect([outcome, source]).toEqual(['failure', '127.0.0.1']);
        expect(JSON.stringify(details)).not.toContain('forged');
      }
      server.clock.advance(60);
      await server.app.get(SampledEvents).summarize();
      expect((await fresh()).slice(20)).toMatchObject([
        { source: '127.0.0.1', details: { more: FLOOD - 20 } },
      ]);
    });

    it('shows a refused form again a few times a minute only, without another reading of its link', async () => {
      server.clock.advance(61);
      const token = await server.tokenFor(user);
      await server.http.get(`/reset_password/${token}`).expect(200);
      const send = () => server.http.post(`/reset_password/${token}`).type('form').send({ _csrf: 'x' });
      const pages = [];
      for (let n = 0; n < 25; n++) pages.push((await send().expect(403)).text);
      expect(pages.filter((page) => page.includes('name="password2"'))).toHaveLength(20);
      const opened = (await recorded('password_reset_opened')).filter(({ userId }) => userId === user.id);
      expect(opened).toHaveLength(1);
    });
  });
});
