import cookie from '@fastify/cookie';
import { Global, Module } from '@nestjs/common';
import { FastifyAdapter, NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import type { LightMyRequestResponse } from 'fastify';
import { AuthService, InvalidCredentialsError } from '../auth';
import { Clock, Keyring, OverloadedError, SystemClock, Translations } from '../common';
import {
  PasswordResetService,
  ResetTokenExpiredError,
  ResetTokenInvalidError,
  ResetTokenUsedError,
} from '../password-reset';
import { PasswordRejectedError } from '../users';
import { PageExceptionFilter, PagesModule } from '.';

const user = { id: '1', email: 'susan@example.com', username: '<i>susan</i>' };
const sessions = new Set<string>();

const auth = {
  login: jest.fn((email: { key: string } | undefined, password: string) => {
    if (password === 'busy') return Promise.reject(new OverloadedError(7));
    if (email?.key !== user.email || password !== 'right')
      return Promise.reject(new InvalidCredentialsError());
    const accessToken = `session-${sessions.size + 1}`;
    sessions.add(accessToken);
    return Promise.resolve({ accessToken, tokenType: 'Bearer', expiresIn: 43_200 });
  }),
  authenticate: jest.fn((token: string) =>
    Promise.resolve(sessions.has(token) ? { user, sessionId: token } : undefined),
  ),
  logout: jest.fn((id: string) => Promise.resolve(void sessions.delete(id))),
};

const resets = {
  request: jest.fn((_: { address: string; key: string }) => Promise.resolve()),
  verify: jest.fn((token: string) => {
    if (token === 'live' || token === 'other')
      return Promise.resolve({ expiresAt: new Date(Date.now() + 600_000) });
    if (token === 'expired') return Promise.reject(new ResetTokenExpiredError());
    if (token === 'used') return Promise.reject(new ResetTokenUsedError());
    return Promise.reject(
      token === 'bug' ? new Error('the database is at 10.0.0.7') : new ResetTokenInvalidError(),
    );
  }),
  confirm: jest.fn(async (token: string, password: string) => {
    await resets.verify(token);
    if (password === 'busy') throw new OverloadedError(7);
    if (password === 'short') throw new PasswordRejectedError([{ reason: 'too_short', message: '' }]);
  }),
};

@Global()
@Module({
  providers: [
    { provide: AuthService, useValue: auth },
    { provide: PasswordResetService, useValue: resets },
    { provide: Keyring, useValue: new Keyring({ secretKey: 's'.repeat(32) }) },
    { provide: Translations, useValue: new Translations({ defaultLocale: 'en' }) },
    { provide: Clock, useClass: SystemClock },
  ],
  exports: [AuthService, PasswordResetService, Keyring, Translations, Clock],
})
class FakesModule {}

async function start(publicUrl: string): Promise<NestFastifyApplication> {
  const module = await Test.createTestingModule({
    imports: [FakesModule, PagesModule.forRoot({ publicUrl, appName: 'Tom & Co' })],
  }).compile();
  const app = module.createNestApplication<NestFastifyApplication>(new FastifyAdapter({ bodyLimit: 1000 }), {
    logger: false,
  });
  await app.register(cookie);
  app.useGlobalFilters(app.get(PageExceptionFilter));
  await app.init();
  return app;
}

type Fields = Record<string, string>;

/** A browser: keeps cookies, fills in the hidden fields of the last page. */
class Browser {
  readonly cookies = new Map<string, string>();
  hidden: Fields = {};

  constructor(private readonly app: NestFastifyApplication) {}

  get(url: string, headers: Fields = {}) {
    return this.send({ method: 'GET', url, headers });
  }

  post(url: string, fields: Fields = {}, headers: Fields = {}) {
    return this.postRaw(url, new URLSearchParams({ ...this.hidden, ...fields }).toString(), headers);
  }

  postRaw(url: string, payload: string, headers: Fields = {}) {
    const type = { 'content-type': 'application/x-www-form-urlencoded' };
    return this.send({ method: 'POST', url, payload, headers: { ...type, ...headers } });
  }

  async signIn() {
    await this.get('/login');
    return this.post('/login', { email: user.email, password: 'right' });
  }

  private async send(request: { method: 'GET' | 'POST'; url: string; payload?: string; headers: Fields }) {
    const header = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await this.app.inject({ ...request, headers: { cookie: header, ...request.headers } });
    for (const { name, value } of response.cookies) {
      if (value) this.cookies.set(name, value);
      else this.cookies.delete(name);
    }
    const hidden = [...response.body.matchAll(/<input type="hidden" name="(\w+)" value="([^"]*)"/g)];
    if (hidden.length > 0) this.hidden = Object.fromEntries(hidden.map(([, name, value]) => [name, value]));
    return response;
  }
}

const whereTo = ({ statusCode, headers }: LightMyRequestResponse) => [statusCode, headers.location];

describe('pages', () => {
  let app: NestFastifyApplication;
  let browser: Browser;

  beforeAll(async () => (app = await start('http://localhost:3000')));
  afterAll(() => app.close());
  beforeEach(() => {
    sessions.clear();
    jest.clearAllMocks();
    browser = new Browser(app);
  });

  it('signs in and out', async () => {
    expect(whereTo(await browser.signIn())).toEqual([303, '/']);
    expect((await browser.get('/')).body).toContain('You are signed in as &lt;i&gt;susan&lt;/i&gt;.');
    expect(whereTo(await browser.post('/logout'))).toEqual([303, '/']);
    expect(sessions.size).toBe(0);
    expect((await browser.get('/')).body).toContain('You are not signed in.');
  });

  it('says the same for every wrong login, and keeps the address but not the password', async () => {
    await browser.get('/login');
    const wrong = await browser.post('/login', { email: '"><b>x', password: 'my secret' });
    expect(wrong.statusCode).toBe(401);
    expect(wrong.body).toContain('The email or the password is not right.');
    expect(wrong.body).toContain('value="&quot;&gt;&lt;b&gt;x"');
    expect(wrong.body).not.toContain('my secret');
    const busy = await browser.post('/login', { email: user.email, password: 'busy' });
    expect([busy.statusCode, busy.headers['retry-after']]).toEqual([503, '7']);
  });

  it('asks for a link, and says the same whoever asks', async () => {
    await browser.get('/reset_password_request');
    expect(whereTo(await browser.post('/reset_password_request', { email: ' susan@example.com ' }))).toEqual([
      303,
      '/login',
    ]);
    expect(resets.request).toHaveBeenCalledWith({ address: user.email, key: user.email });
    const flash = 'Check your email for the instructions to reset your password';
    expect((await browser.get('/login')).body).toContain(flash);
    expect((await browser.get('/login')).body).not.toContain(flash);
  });

  it('shows what is wrong with an address at its field', async () => {
    await browser.get('/reset_password_request');
    const response = await browser.post('/reset_password_request', { email: 'susan' });
    expect(response.statusCode).toBe(400);
    expect(response.body).toMatch(/id="email"[^>]*aria-invalid="true" aria-describedby="email-error"/);
    expect(resets.request).not.toHaveBeenCalled();
  });

  it('sets the password at the address of the link', async () => {
    const opened = await browser.get('/reset_password/live');
    expect([opened.statusCode, opened.headers['referrer-policy']]).toEqual([200, 'no-referrer']);
    expect(opened.body).not.toContain('live');
    const done = await browser.post('/reset_password/live', { password: 'good', password2: 'good' });
    expect(whereTo(done)).toEqual([303, '/login']);
    expect(resets.confirm).toHaveBeenCalledWith('live', 'good', { ip: '127.0.0.1' });
    expect((await browser.get('/login')).body).toContain('Your password has been reset.');
    expect([...browser.cookies.keys()]).toEqual(['latchkey-pre']);
  });

  it('keeps the link when the passwords differ, when they are refused, and when the server is busy', async () => {
    await browser.get('/reset_password/live');
    const differ = await browser.post('/reset_password/live', { password: 'one thing', password2: 'other' });
    expect([differ.statusCode, differ.body]).toEqual([422, expect.stringContaining('are not the same')]);
    expect(differ.body).not.toContain('one thing');
    expect(resets.confirm).not.toHaveBeenCalled();
    const refused = await browser.post('/reset_password/live', { password: 'short', password2: 'short' });
    expect([refused.statusCode, refused.body]).toEqual([422, expect.stringContaining('is too short')]);
    const busy = await browser.post('/reset_password/live', { password: 'busy', password2: 'busy' });
    expect([busy.statusCode, busy.headers['retry-after']]).toEqual([503, '7']);
    const done = await browser.post('/reset_password/live', { password: 'good', password2: 'good' });
    expect(done.statusCode).toBe(303);
  });

  it.each([
    ['expired', 'This link has expired.'],
    ['used', 'This link has already been used'],
    ['forged', 'This link is not valid.'],
  ])('says why a link is %s, where a new one is to be had', async (token, reason) => {
    expect(whereTo(await browser.get(`/reset_password/${token}`))).toEqual([303, '/reset_password_request']);
    expect((await browser.get('/reset_password_request')).body).toContain(reason);
  });

  it.each(['/login', '/reset_password_request', '/reset_password/live'])(
    'sends those who are signed in from %s to the index',
    async (url) => {
      await browser.signIn();
      expect(whereTo(await browser.get(url))).toEqual([303, '/']);
    },
  );

  it('tells password managers where a password is changed', async () => {
    expect(whereTo(await browser.get('/.well-known/change-password'))).toEqual([
      302,
      '/reset_password_request',
    ]);
  });

  describe('against foreign forms', () => {
    const posts = ['/login', '/logout', '/reset_password_request', '/reset_password/live'];
    const fields = { email: user.email, password: 'right', password2: 'right' };

    it.each(posts)('refuses %s without its token, and with a foreign one', async (url) => {
      const stranger = new Browser(app);
      await stranger.get('/login');
      await browser.get('/login');
      for (const _csrf of ['', 'x', browser.cookies.get('latchkey-pre')!, stranger.hidden['_csrf']!]) {
        expect((await browser.post(url, { ...fields, _csrf })).statusCode).toBe(403);
      }
      expect(auth.login).not.toHaveBeenCalled();
      expect(resets.request).not.toHaveBeenCalled();
      expect(resets.confirm).not.toHaveBeenCalled();
    });

    it.each(posts)('refuses %s from another origin', async (url) => {
      await browser.get('/login');
      for (const headers of [
        { origin: 'https://evil.example' },
        { 'sec-fetch-site': 'cross-site' },
        { origin: 'null' },
      ]) {
        const response = await browser.post(url, fields, headers as unknown as Fields);
        expect([response.statusCode, response.cookies]).toEqual([403, []]);
      }
      expect(auth.login).not.toHaveBeenCalled();
    });

    it('refuses a pair of cookie and field that an attacker has made up', async () => {
      browser.cookies.set('latchkey-pre', 'same');
      expect((await browser.post('/login', { ...fields, _csrf: 'same' })).statusCode).toBe(403);
    });

    it('refuses tokens from before the login or the logout', async () => {
      await browser.get('/login');
      const before = browser.hidden['_csrf']!;
      await browser.post('/login', fields);
      expect((await browser.post('/logout', { _csrf: before })).statusCode).toBe(403);
      await browser.get('/');
      const during = browser.hidden['_csrf']!;
      await browser.post('/logout');
      await browser.get('/login');
      for (const _csrf of [before, during]) {
        expect((await browser.post('/login', { ...fields, _csrf })).statusCode).toBe(403);
      }
    });
  });

  it('knows who is signed in by the cookie only', async () => {
    await browser.signIn();
    const [token] = sessions;
    const stranger = new Browser(app);
    expect((await stranger.get('/', { authorization: `Bearer ${token}` })).body).toContain('not signed in');
    expect((await stranger.get(`/?latchkey=${token}`)).body).toContain('not signed in');
  });

  it('accepts forms only, with each field once', async () => {
    await browser.get('/login');
    const { _csrf } = browser.hidden;
    expect((await browser.postRaw('/login', `_csrf=${_csrf}&email=a&email=b`)).statusCode).toBe(400);
    const json = { 'content-type': 'application/json' };
    expect((await browser.postRaw('/login', JSON.stringify({ _csrf }), json)).statusCode).toBe(415);
    expect((await browser.postRaw('/login', 'x', { 'content-type': 'text/plain' })).statusCode).toBe(415);
    expect((await browser.post('/login', { password: 'x'.repeat(1000) })).statusCode).toBe(413);
    expect(auth.login).not.toHaveBeenCalled();
  });

  it('answers in the language of the browser', async () => {
    const { headers, body } = await browser.get('/reset_password_request', {
      'accept-language': 'zh-TW,zh;q=0.9',
    });
    expect(headers).toMatchObject({ 'content-language': 'zh-TW', vary: 'Accept-Language' });
    expect(body).toContain('<html lang="zh-TW">');
    expect(body).toContain('重設密碼');
  });

  it('answers errors as pages that tell nothing of the inside', async () => {
    const missing = await browser.get('/nowhere');
    expect([missing.statusCode, missing.body]).toEqual([
      404,
      expect.stringContaining('There is nothing here'),
    ]);
    const failed = await browser.get('/reset_password/bug');
    expect([failed.statusCode, failed.body]).toEqual([500, expect.stringContaining('Something went wrong')]);
    expect(failed.body).not.toContain('10.0.0.7');
    const api = await browser.get('/api/nowhere');
    expect([api.statusCode, api.headers['content-type']]).toEqual([
      404,
      expect.stringContaining('problem+json'),
    ]);
  });

  it('gives every answer the headers of a page', async () => {
    await browser.get('/login');
    const answers = await Promise.all([
      browser.get('/'),
      browser.get('/nowhere'),
      browser.get('/reset_password/live'),
      browser.get('/reset_password/used'),
      browser.get('/reset_password/bug'),
      browser.get('/.well-known/change-password'),
      browser.post('/login', { _csrf: 'x' }),
      browser.post('/login', { email: user.email, password: 'busy' }),
    ]);
    for (const { headers } of answers) {
      expect(headers).toMatchObject({
        'referrer-policy': 'no-referrer',
        'cache-control': 'no-store',
        'content-security-policy': expect.stringContaining("default-src 'none'"),
        'x-content-type-options': 'nosniff',
        'cross-origin-opener-policy': 'same-origin',
      });
    }
  });

  it('lets browsers keep the style sheet', async () => {
    const { statusCode, headers } = await browser.get('/assets/style.css');
    expect([statusCode, headers['content-type']]).toEqual([200, 'text/css; charset=utf-8']);
    expect(
      (await browser.get('/assets/style.css', { 'if-none-match': String(headers.etag) })).statusCode,
    ).toBe(304);
    expect((await browser.get('/favicon.ico')).statusCode).toBe(204);
  });
});

it('binds every cookie to the host where the site is https', async () => {
  const app = await start('https://id.example.com');
  const browser = new Browser(app);
  const answers = [
    await browser.get('/reset_password/live'),
    await browser.get('/login'),
    await browser.signIn(),
  ];
  const cookies = answers.flatMap((answer) => answer.cookies);
  expect(new Set(cookies.map(({ name }) => name))).toEqual(
    new Set(['__Host-latchkey', '__Host-latchkey-pre']),
  );
  for (const cookie of cookies) {
    expect(cookie).toMatchObject({ httpOnly: true, secure: true, sameSite: 'Lax', path: '/' });
    expect(cookie).not.toHaveProperty('domain');
  }
  await app.close();
});
