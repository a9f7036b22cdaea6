import cookie from '@fastify/cookie';
import { ExecutionContext, Global, Logger, Module } from '@nestjs/common';
import { FastifyAdapter, NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test, TestingModuleBuilder } from '@nestjs/testing';
import type { LightMyRequestResponse } from 'fastify';
import {
  EmailChangeService,
  OwnAddressError,
  PasswordChangeService,
  PasswordRequiredError,
} from '../account';
import { AuthService, InvalidCredentialsError, WrongPasswordError } from '../auth';
import {
  Clock,
  Keyring,
  OverloadedError,
  SampledEvents,
  SecurityEvents,
  Translations,
  UnauthenticatedError,
} from '../common';
import { AddressMovedError, LinkExpiredError, LinkInvalidError, LinkUsedError } from '../links';
import {
  LimiterUnavailableError,
  LimitsOptions,
  RateLimitedError,
  RateLimiter,
  SourceLimitGuard,
} from '../limits';
import { MailOptions } from '../mail';
import {
  DisavowalService,
  PasswordResetService,
  ResetTokenExpiredError,
  ResetTokenInvalidError,
  ResetTokenUsedError,
} from '../password-reset';
import { RegistrationService, WrongRegistrationPasswordError } from '../registration';
import { MovableClock } from '../testing';
import { PasswordRejectedError, UsersOptions } from '../users';
import { PageExceptionFilter, PagesModule } from '.';

const user = { id: '1', email: 'susan@example.com', username: '<i>susan</i>' };
const sessions = new Set<string>();
const clock = new MovableClock();

let sessionsStarted = 0;

function startSession() {
  const accessToken = `session-${++sessionsStarted}`;
  sessions.add(accessToken);
  return { accessToken, tokenType: 'Bearer', expiresIn: 43_200 };
}

const auth = {
  login: jest.fn((email: { key: string } | undefined, password: string) => {
    if (password === 'busy') return Promise.reject(new OverloadedError(7));
    if (email?.key !== user.email || password !== 'right')
      return Promise.reject(new InvalidCredentialsError());
    return Promise.resolve(startSession());
  }),
  authenticate: jest.fn((token: string) =>
    Promise.resolve(sessions.has(token) ? { user, sessionId: token } : undefined),
  ),
  logout: jest.fn((id: string) => Promise.resolve(void sessions.delete(id))),
  sessionsOf: jest.fn((_userId: string, current: string) =>
    Promise.resolve([
      session({ id: current, current: true }),
      session({ id: 'other', ip: null, userAgent: null }),
      session({ id: 'third', userAgent: '"><script>alert(1)</script>' }),
    ]),
  ),
  endOtherSession: jest.fn((_user: unknown, id: string, currentPassword: string) => {
    if (currentPassword === 'busy') return Promise.reject(new OverloadedError(7));
    if (currentPassword !== 'right') return Promise.reject(new WrongPasswordError());
    return Promise.resolve(id === 'other');
  }),
};

function session(values: object) {
  const userAgent =
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36';
  return {
    createdAt: new Date('2026-01-02T03:04:05Z'),
    lastSeenAt: new Date('2026-01-02T04:05:06Z'),
    expiresAt: new Date('2026-01-02T15:04:05Z'),
    ip: '203.0.113.7',
    userAgent,
    current: false,
    ...values,
  };
}

/** What a link of the newer kinds does: each token names its own fate. */
function followLink<Result>(token: string, result: Result): Promise<Result> {
  if (token === 'live') return Promise.resolve(result);
  if (token === 'expired') return Promise.reject(new LinkExpiredError());
  return Promise.reject(token === 'used' ? new LinkUsedError() : new LinkInvalidError());
}

/** What a service makes of a new password. */
function judge(password: string): void {
  if (password === 'busy') throw new OverloadedError(7);
  if (password === 'short') throw new PasswordRejectedError([{ reason: 'too_short', message: '' }]);
  if (password === 'limiter down') throw new LimiterUnavailableError();
}

const lookAtRegistration = (token: string) =>
  followLink(token, { username: user.username, email: user.email, requestedAt: new Date() });

const registrations = {
  request: jest.fn(({ password }: { password: string }) => Promise.resolve().then(() => judge(password))),
  inspect: jest.fn(lookAtRegistration),
  inspectAgain: jest.fn(lookAtRegistration),
  confirm: jest.fn((token: string, password: string) =>
    followLink(token, undefined).then(() => {
      judge(password);
      if (password !== 'right') throw new WrongRegistrationPasswordError();
    }),
  ),
};

const passwordChanges = {
  change: jest.fn((_: unknown, { currentPassword, password }: Record<string, string>) =>
    Promise.resolve().then(() => {
      if (currentPassword === 'ended') throw new UnauthenticatedError();
      if (currentPassword !== 'right') throw new WrongPasswordError();
      judge(password!);
      sessions.clear();
      return startSession();
    }),
  ),
};

const TAKES_EFFECT = new Date('2026-01-03T03:04:05Z');

/** A link of a change of address that is confirmed, and of one that is confirmed and waits, have fates of their own. */
const lookAtEmailChange = (token: string) => {
  const state = token === 'done' ? 'done' : token === 'held' ? 'confirmed' : 'pending';
  const shown = { userId: user.id, email: 'new@example.com', state };
  if (state === 'pending') return followLink(token, shown);
  return Promise.resolve({ ...shown, ...(state === 'confirmed' && { effectiveAt: TAKES_EFFECT }) });
};

const emailChanges = {
  request: jest.fn((_: unknown, change: { email: { key: string }; currentPassword: string }) =>
    Promise.resolve().then(() => {
      if (change.currentPassword !== 'right') throw new WrongPasswordError();
      if (change.email.key === user.email) throw new OwnAddressError();
    }),
  ),
  inspect: jest.fn(lookAtEmailChange),
  inspectAgain: jest.fn(lookAtEmailChange),
  confirm: jest.fn(async (token: string, proof: { user?: { id: string }; password?: string }) => {
    if (token === 'held') return TAKES_EFFECT;
    if (token === 'done') return undefined;
    await followLink(token, undefined);
    if (proof.user?.id !== user.id) {
      if (proof.password === undefined) throw new PasswordRequiredError();
      if (proof.password === 'busy') throw new OverloadedError(7);
      if (proof.password !== 'right') throw new WrongPasswordError('password');
    }
    sessions.clear();
    return undefined;
  }),
  inspectCancellation: jest.fn((token: string) =>
    token === 'moved'
      ? Promise.reject(new AddressMovedError())
      : followLink(token, { email: 'new@example.com' }),
  ),
  cancel: jest.fn((token: string) => followLink(token, undefined).then(() => sessions.clear())),
};

const events = { record: jest.fn((_: object) => Promise.resolve()) };

const lookAtReset = (token: string) => {
  if (token === 'live' || token === 'other')
    return Promise.resolve({ expiresAt: new Date(Date.now() + 600_000), user });
  if (token === 'expired') return Promise.reject(new ResetTokenExpiredError());
  if (token === 'used') return Promise.reject(new ResetTokenUsedError());
  return Promise.reject(
    token === 'bug' ? new Error('the database is at 10.0.0.7') : new ResetTokenInvalidError(),
  );
};

const resets = {
  request: jest.fn((_: { address: string; key: string }, _source: object) => Promise.resolve()),
  inspect: jest.fn(lookAtReset),
  inspectAgain: jest.fn(lookAtReset),
  confirm: jest.fn(async (token: string, password: string) => {
    await lookAtReset(token);
    judge(password);
  }),
};

const disavowals = {
  inspect: jest.fn((token: string) => followLink(token, { quietSeconds: 3600 })),
  confirm: jest.fn((token: string) => followLink(token, undefined)),
};

/** Everything by which a page can change something. */
const acts = () => [
  auth.login,
  auth.logout,
  auth.endOtherSession,
  resets.request,
  resets.confirm,
  disavowals.confirm,
  registrations.request,
  registrations.confirm,
  passwordChanges.change,
  emailChanges.request,
  emailChanges.confirm,
  emailChanges.cancel,
];
const expectNothingDone = () => acts().forEach((act) => expect(act).not.toHaveBeenCalled());

@Global()
@Module({
  providers: [
    { provide: AuthService, useValue: auth },
    { provide: PasswordResetService, useValue: resets },
    { provide: DisavowalService, useValue: disavowals },
    { provide: RegistrationService, useValue: registrations },
    { provide: PasswordChangeService, useValue: passwordChanges },
    { provide: EmailChangeService, useValue: emailChanges },
    { provide: SecurityEvents, useValue: events },
    { provide: Keyring, useValue: new Keyring({ secretKey: 's'.repeat(32) }) },
    { provide: Translations, useValue: new Translations({ defaultLocale: 'en' }) },
    { provide: Clock, useValue: clock },
    SampledEvents,
    { provide: LimitsOptions, useValue: { perMinute: 0 } },
    { provide: RateLimiter, useValue: { consumeInOrder: () => Promise.resolve([]) } },
    { provide: MailOptions, useValue: { appName: 'Tom & Co' } },
    UsersOptions,
  ],
  exports: [
    AuthService,
    PasswordResetService,
    DisavowalService,
    RegistrationService,
    PasswordChangeService,
    EmailChangeService,
    SecurityEvents,
    Keyring,
    Translations,
    Clock,
    SampledEvents,
    LimitsOptions,
    RateLimiter,
    MailOptions,
    UsersOptions,
  ],
})
class FakesModule {}

async function start(
  publicUrl: string,
  override = (builder: TestingModuleBuilder) => builder,
): Promise<NestFastifyApplication> {
  const module = await override(
    Test.createTestingModule({
      imports: [FakesModule, PagesModule.forRoot({ publicUrl })],
    }),
  ).compile();
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

  look(method: 'GET' | 'HEAD', url: string, headers: Fields) {
    return this.send({ method, url, headers });
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

  private async send(request: {
    method: 'GET' | 'HEAD' | 'POST';
    url: string;
    payload?: string;
    headers: Fields;
  }) {
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
    sessionsStarted = 0;
    jest.clearAllMocks();
    clock.advance(61);
    browser = new Browser(app);
  });

  it('signs in and out', async () => {
    expect(whereTo(await browser.signIn())).toEqual([303, '/']);
    expect((await browser.get('/')).body).toContain('You are signed in as &lt;i&gt;susan&lt;/i&gt;.');
    const out = await browser.post('/logout');
    expect([out.statusCode, new URL(out.headers.location!, 'http://localhost:3000').pathname]).toEqual([
      303,
      '/',
    ]);
    expect(sessions.size).toBe(0);
    expect((await browser.get('/')).body).toContain('You are not signed in.');
  });

  it('says goodbye with no cookie of this host left, and touches no other host of the domain', async () => {
    await browser.signIn();
    await browser.get('/account');
    const out = await browser.post('/logout');
    expect(out.headers['clear-site-data']).toBe('"cache", "storage"');
    expect([...browser.cookies.keys()]).toEqual([]);
    const goodbye = await browser.get(out.headers.location!);
    expect(goodbye.body).toContain('You have signed out.');
    expect((await browser.get('/')).body).not.toContain('You have signed out.');
    await browser.signIn();
    expect((await browser.get(out.headers.location!)).body).not.toContain('You have signed out.');
  });

  it('says the same for every wrong login, and keeps the address but not the password', async () => {
    await browser.get('/login');
    const wrong = await browser.post('/login', { email: '"><b>x', password: 'my secret' });
    expect(wrong.statusCode).toBe(401);
    expect(wrong.body).toContain('The email or password is incorrect.');
    expect(wrong.body).toContain('value="&quot;&gt;&lt;b&gt;x"');
    expect(wrong.body).not.toContain('my secret');
    const busy = await browser.post('/login', { email: user.email, password: 'busy' });
    expect([busy.statusCode, busy.headers['retry-after']]).toEqual([503, '7']);
  });

  it('requests a link, with the same answer for every address', async () => {
    await browser.get('/reset_password_request');
    expect(whereTo(await browser.post('/reset_password_request', { email: ' susan@example.com ' }))).toEqual([
      303,
      '/login',
    ]);
    expect(resets.request).toHaveBeenCalledWith(
      { address: user.email, key: user.email },
      expect.objectContaining({ ip: '127.0.0.1' }),
    );
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
    expect(opened.body).toContain(`value="${user.email}"`);
    const done = await browser.post('/reset_password/live', { password: 'good', password2: 'good' });
    expect(whereTo(done)).toEqual([303, '/login']);
    expect(resets.confirm).toHaveBeenCalledWith('live', 'good', expect.objectContaining({ ip: '127.0.0.1' }));
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
  ])('says why a link is %s, on the page that requests a new one', async (token, reason) => {
    expect(whereTo(await browser.get(`/reset_password/${token}`))).toEqual([303, '/reset_password_request']);
    expect((await browser.get('/reset_password_request')).body).toContain(reason);
  });

  it.each(['/login', '/register', '/reset_password_request', '/reset_password/live'])(
    'sends those who are signed in from %s to the index',
    async (url) => {
      await browser.signIn();
      expect(whereTo(await browser.get(url))).toEqual([303, '/']);
    },
  );

  it.each([
    ['/login', 'You have opened a page for people who are not signed in.'],
    ['/register', 'You have opened a page for people who are not signed in.'],
    ['/reset_password_request', 'You have opened a page for people who are not signed in.'],
    ['/reset_password/live', 'You have opened a link that sets a new password.'],
  ])(
    'says there who is signed in and what was opened, and leads on to %s by a sign-out',
    async (url, words) => {
      await browser.signIn();
      await browser.get(url);
      const index = await browser.get('/');
      expect(index.body).toContain('You are signed in as &lt;i&gt;susan&lt;/i&gt;.');
      expect(index.body).toContain(words);
      expect(index.body).not.toContain('live');
      const on = await browser.post('/logout', { continue: '1' });
      expect(whereTo(on)).toEqual([303, url]);
      expect(sessions.size).toBe(0);
      expect([...browser.cookies.keys()]).toEqual([]);
      expect((await browser.get(url)).statusCode).toBe(200);
    },
  );

  it('leads to no other page, whatever is in the cookie', async () => {
    for (const path of [
      '//evil.example',
      '/reset_password/x/../../account',
      'https://evil.example',
      '/account',
    ]) {
      await browser.signIn();
      browser.cookies.set('latchkey-next', encodeURIComponent(path));
      expect((await browser.get('/')).body).not.toContain('Sign Out and Continue');
      expect(whereTo(await browser.post('/logout', { continue: '1' }))).toEqual([303, '/?signed_out']);
    }
  });

  it('shows a form that is out of date again, with what was typed but no password', async () => {
    const typed = {
      email: 'typed@example.com',
      username: 'Typed Name',
      password: 'my secret',
      password2: 'my secret',
    };
    for (const [url, fields] of [
      ['/login', ['typed@example.com']],
      ['/register', ['typed@example.com', 'Typed Name']],
      ['/reset_password_request', ['typed@example.com']],
      ['/reset_password/live', ['susan@example.com']],
      ['/verify_email/live', ['susan@example.com']],
      ['/confirm_email/live', []],
    ] as const) {
      const stale = await browser.post(url, { ...typed, _csrf: 'x' });
      expect([url, stale.statusCode]).toEqual([url, 403]);
      expect(stale.body).toContain('This form was out of date, so it was not sent');
      for (const value of fields) expect(stale.body).toContain(`value="${value}"`);
      expect(stale.body).not.toContain('my secret');
      expectNothingDone();
    }
    const again = await browser.post('/reset_password_request', { email: 'typed@example.com' });
    expect(whereTo(again)).toEqual([303, '/login']);
    await browser.get('/login');
    await browser.signIn();
    for (const url of ['/change_email', '/change_password', '/logout', '/sessions/other/end', '/login']) {
      const stale = await browser.post(url, { ...typed, _csrf: 'x' });
      expect([url, stale.statusCode]).toEqual([url, 403]);
      expect(stale.body).toContain('This form was out of date, so it was not sent');
      expect(stale.body).not.toContain('my secret');
    }
    expect(sessions.size).toBe(1);
  });

  it('says which address it has where it was opened under another one, in the log once a minute', async () => {
    const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation();
    await browser.get('/login');
    const elsewhere = { origin: 'http://192.168.1.20:3100', host: '192.168.1.20:3100' };
    for (let n = 0; n < 3; n++) {
      const refused = await browser.post('/login', { email: user.email, password: 'right' }, elsewhere);
      expect([refused.statusCode, refused.body]).toEqual([
        403,
        expect.stringContaining('<a href="http://localhost:3000">http://localhost:3000</a>'),
      ]);
    }
    expect(warn.mock.calls).toEqual([
      [
        expect.stringMatching(
          /at http:\/\/192\.168\.1\.20:3100, since PUBLIC_URL is http:\/\/localhost:3000/,
        ),
      ],
    ]);
    warn.mockRestore();
    expectNothingDone();
  });

  it('leads from a link that has lost its token to the page that requests a new one', async () => {
    for (const [url, to] of [
      ['/reset_password', '/reset_password_request'],
      ['/verify_email', '/register'],
      ['/confirm_email', '/login'],
      ['/cancel_email', '/login'],
      ['/not_me', '/login'],
    ]) {
      expect(whereTo(await browser.get(url!))).toEqual([303, to]);
      expect((await browser.get(to!)).body).toContain('This link is not valid.');
    }
  });

  it('tells password managers where a password is changed', async () => {
    const wellKnown = '/.well-known/change-password';
    expect(whereTo(await browser.get(wellKnown))).toEqual([302, '/reset_password_request']);
    await browser.signIn();
    expect(whereTo(await browser.get(wellKnown))).toEqual([302, '/change_password']);
  });

  describe('registration', () => {
    const form = { email: ' new@example.com ', username: ' Susan ', password: 'good', password2: 'good' };

    it('requests an account, in the language of the browser', async () => {
      await browser.get('/register');
      const answer = await browser.post('/register', form, { 'accept-language': 'zh-TW' });
      expect(whereTo(answer)).toEqual([303, '/login']);
      expect(registrations.request).toHaveBeenCalledWith(
        {
          email: { address: 'new@example.com', key: 'new@example.com' },
          username: 'Susan',
          password: 'good',
          locale: 'zh-TW',
        },
        expect.objectContaining({ ip: '127.0.0.1' }),
      );
      const { body } = await browser.get('/login');
      expect(body).toContain('Check your email for the link that confirms your address');
    });

    it.each([
      ['an address', { email: 'susan' }, 400, /id="email"[^>]*aria-describedby="email-error"/],
      ['a name', { username: ' ' }, 400, /id="username"[^>]*aria-describedby="username-error username-hint"/],
      ['a hidden name', { username: 'su\u202esan' }, 400, /id="username"[^>]*aria-invalid="true"/],
      ['a repetition', { password2: 'other' }, 422, /id="password2"[^>]*aria-describedby="password2-error"/],
      ['a password', { password: 'short', password2: 'short' }, 422, /is too short/],
      ['time', { password: 'busy', password2: 'busy' }, 503, /The server is busy/],
    ])('shows what is wrong where %s is missing, and keeps no password', async (_, wrong, status, shown) => {
      await browser.get('/register');
      const answer = await browser.post('/register', {
        ...form,
        password: 'my secret',
        password2: 'my secret',
        ...wrong,
      });
      expect([answer.statusCode, answer.body]).toEqual([status, expect.stringMatching(shown)]);
      expect(answer.body).not.toMatch(/my secret|value="(short|busy)"/);
      expect(answer.body).toContain('value="');
    });
  });

  it('changes the password in a new session, and shows what is wrong', async () => {
    await browser.signIn();
    const before = browser.cookies.get('latchkey');
    await browser.get('/change_password');
    const change = (fields: Fields) =>
      browser.post('/change_password', {
        currentPassword: 'right',
        password: 'good',
        password2: 'good',
        ...fields,
      });
    const wrong = await change({ currentPassword: 'my secret' });
    expect([wrong.statusCode, wrong.body]).toEqual([
      403,
      expect.stringContaining('not your current password'),
    ]);
    expect(wrong.body).not.toContain('my secret');
    expect((await change({ password2: 'other' })).statusCode).toBe(422);
    expect((await change({ password: 'short', password2: 'short' })).body).toContain('is too short');
    const busy = await change({ password: 'busy', password2: 'busy' });
    expect([busy.statusCode, busy.headers['retry-after']]).toEqual([503, '7']);
    expect(browser.cookies.get('latchkey')).toBe(before);

    expect(whereTo(await change({}))).toEqual([303, '/account']);
    expect(browser.cookies.get('latchkey')).toBe('session-2');
    expect((await browser.get('/account')).body).toContain('Your password has been changed.');
  });

  it('leads to the login when the session ends during the request', async () => {
    await browser.signIn();
    await browser.get('/change_password');
    const fields = { currentPassword: 'ended', password: 'good', password2: 'good' };
    expect(whereTo(await browser.post('/change_password', fields))).toEqual([303, '/login']);
  });

  it('requests another address, and shows what is wrong', async () => {
    await browser.signIn();
    await browser.get('/change_email');
    const change = (fields: Fields) =>
      browser.post('/change_email', { email: 'new@example.com', currentPassword: 'right', ...fields });
    expect((await change({ email: '"><b>' })).body).toContain('value="&quot;&gt;&lt;b&gt;"');
    const own = await change({ email: user.email });
    expect([own.statusCode, own.body]).toEqual([400, expect.stringContaining('is already your address')]);
    const wrong = await change({ currentPassword: 'my secret' });
    expect([wrong.statusCode, wrong.body]).toEqual([
      403,
      expect.stringContaining('not your current password'),
    ]);
    expect(wrong.body).not.toContain('my secret');
    expect(whereTo(await change({}))).toEqual([303, '/account']);
    expect((await browser.get('/account')).body).toContain('Check the new address');
  });

  describe('the links of mails', () => {
    const links: [
      path: string,
      look: jest.Mock,
      act: jest.Mock,
      done: string,
      dead: string,
      typed: Fields,
    ][] = [
      [
        'verify_email',
        registrations.inspect,
        registrations.confirm,
        'You can sign in now.',
        '/register',
        { password: 'right' },
      ],
      [
        'confirm_email',
        emailChanges.inspect,
        emailChanges.confirm,
        'address has been changed',
        '/login',
        { password: 'right' },
      ],
      [
        'cancel_email',
        emailChanges.inspectCancellation,
        emailChanges.cancel,
        'has been stopped',
        '/login',
        {},
      ],
      ['not_me', disavowals.inspect, disavowals.confirm, 'Those links no longer work', '/login', {}],
    ];

    it.each(links)('%s does nothing until its button is pressed', async (path, look, act, done, _, typed) => {
      for (let n = 0; n < 3; n++) {
        const opened = await browser.get(`/${path}/live`);
        expect([opened.statusCode, opened.headers['referrer-policy']]).toEqual([200, 'no-referrer']);
        expect(opened.body.match(/<button/g)).toHaveLength(1);
        expect(opened.body).not.toMatch(/live|new@example\.com|>susan@example\.com|<i>/);
      }
      expect(look).toHaveBeenCalledTimes(3);
      expectNothingDone();
      expect(whereTo(await browser.post(`/${path}/live`, typed))).toEqual([303, '/login']);
      const source = expect.objectContaining({ ip: '127.0.0.1' }) as unknown;
      const proof = path === 'confirm_email' ? [typed] : Object.values(typed);
      expect(act).toHaveBeenCalledWith('live', ...proof, source);
      expect((await browser.get('/login')).body).toContain(done);
    });

    it.each(links)('%s says why it is dead', async (path, _look, _act, _done, dead) => {
      for (const [token, reason] of [
        ['expired', 'This link has expired.'],
        ['used', 'This link has already been used or revoked.'],
        ['forged', 'This link is not valid.'],
      ]) {
        expect(whereTo(await browser.get(`/${path}/${token}`))).toEqual([303, dead]);
        expect((await browser.get(dead)).body).toContain(reason);
        expect(whereTo(await browser.post(`/${path}/${token}`))).toEqual([303, dead]);
      }
    });

    it('of a registration asks for its password, shows what is wrong, and stays good', async () => {
      await browser.get('/verify_email/live');
      for (const [password, status, problem] of [
        ['my secret', 403, 'not the password that was chosen'],
        ['', 403, 'not the password that was chosen'],
        ['busy', 503, 'The server is busy right now.'],
      ] as const) {
        const answer = await browser.post('/verify_email/live', { password });
        expect([answer.statusCode, answer.body]).toEqual([status, expect.stringContaining(problem)]);
        expect(answer.body).not.toContain('my secret');
        expect(answer.body).toContain('href="/reset_password_request"');
      }
      const done = await browser.post('/verify_email/live', { password: 'right' });
      expect(whereTo(done)).toEqual([303, '/login']);
    });

    it('of a new address asks for the password of the account, but not who is signed in to it', async () => {
      const opened = await browser.get('/confirm_email/live');
      expect(opened.body).toContain('The password of the account that gets this address.');
      for (const [password, status, problem] of [
        ['my secret', 403, 'This is not the password of the account.'],
        ['', 403, 'This is not the password of the account.'],
        ['busy', 503, 'The server is busy right now.'],
      ] as const) {
        const answer = await browser.post('/confirm_email/live', { password });
        expect([answer.statusCode, answer.body]).toEqual([status, expect.stringContaining(problem)]);
        expect(answer.body).not.toContain('my secret');
      }
      await browser.signIn();
      const signedIn = await browser.get('/confirm_email/live');
      expect(signedIn.body).not.toContain('type="password"');
      expect(whereTo(await browser.post('/confirm_email/live'))).toEqual([303, '/login']);
    });

    it('of a new address that is confirmed says so, and until when it waits', async () => {
      const shown = await browser.get('/confirm_email/held');
      expect(shown.body).toContain('<time datetime="2026-01-03T03:04:05.000Z">2026-01-03 03:04 UTC</time>');
      expect(shown.body).not.toContain('<button');
      await browser.get('/login');
      expect((await browser.post('/confirm_email/held')).body).toContain('2026-01-03 03:04 UTC');
      for (const method of ['get', 'post'] as const) {
        expect(whereTo(await browser[method]('/confirm_email/done'))).toEqual([303, '/login']);
        expect((await browser.get('/login')).body).toContain('Your address has been changed.');
      }
    });

    it('of an address that is not the account’s any more says so, and what to do', async () => {
      expect(whereTo(await browser.get('/cancel_email/moved'))).toEqual([303, '/login']);
      const { body } = await browser.get('/login');
      expect(body).toContain('The account has another email address now');
      expect(body).toContain('request a password reset for the address that received this link');
      expect(body).toContain('contact the people who run this site');
      expect(body).not.toContain('Nothing has been changed');
    });

    it('leave no dead session behind, and no living one without its owner', async () => {
      await browser.signIn();
      await browser.get('/not_me/live');
      await browser.post('/not_me/live');
      expect(browser.cookies.has('latchkey')).toBe(true);
      const shown = await browser.get('/');
      expect(shown.body).toContain('Those links no longer work');
      await browser.get('/confirm_email/live');
      await browser.post('/confirm_email/live');
      expect(browser.cookies.has('latchkey')).toBe(false);
    });
  });

  describe('the account page', () => {
    it('shows the owner who they are and where they are signed in, and none of it as markup', async () => {
      await browser.signIn();
      const { body } = await browser.get('/account');
      expect(body).toContain('susan@example.com');
      expect(body).toContain('<bdi>&lt;i&gt;susan&lt;/i&gt;</bdi>');
      expect(body).toContain('Chrome · Linux');
      expect(body).toContain('<time datetime="2026-01-02T03:04:05.000Z">2026-01-02 03:04 UTC</time>');
      expect(body).toContain('Unknown browser');
      expect(body).toContain('&lt;script&gt;alert(1)');
      expect(body).not.toContain('<script');
      expect(body.match(/This one/g)).toHaveLength(1);
      expect(body.match(/action="\/sessions\/session-\d+\/end"/g)).toHaveLength(1);
      expect(body.match(/href="\/sessions\/(other|third)\/end"/g)).toHaveLength(2);
      expect(auth.sessionsOf).toHaveBeenCalledWith('1', 'session-1');
    });

    it('ends sessions of the owner only, and by password', async () => {
      await browser.signIn();
      const { body } = await browser.get('/sessions/other/end');
      expect(body).toContain('Unknown browser');
      expect(body).not.toContain('Chrome · Linux');
      const right = { currentPassword: 'right' };
      expect(whereTo(await browser.post('/sessions/other/end', right))).toEqual([303, '/account']);
      const source = expect.objectContaining({ ip: '127.0.0.1' }) as unknown;
      const current = { user, sessionId: 'session-1' };
      expect(auth.endOtherSession).toHaveBeenCalledWith(current, 'other', 'right', source);
      expect((await browser.get('/account')).body).toContain('The session has been ended.');
      expect(whereTo(await browser.post('/sessions/of-somebody-else/end', right))).toEqual([303, '/account']);
      expect((await browser.get('/account')).body).toContain('You have no such session');
      expect(whereTo(await browser.get('/sessions/of-somebody-else/end'))).toEqual([303, '/account']);
    });

    it('ends no other session by a wrong password, and shows what is wrong', async () => {
      await browser.signIn();
      await browser.get('/sessions/other/end');
      for (const [currentPassword, status, problem] of [
        ['my secret', 403, 'This is not your current password.'],
        ['', 403, 'This is not your current password.'],
        ['busy', 503, 'The server is busy right now.'],
      ] as const) {
        const answer = await browser.post('/sessions/other/end', { currentPassword });
        expect([answer.statusCode, answer.body]).toEqual([status, expect.stringContaining(problem)]);
        expect(answer.body).not.toContain('my secret');
      }
    });

    it('signs out where the session is this one', async () => {
      await browser.signIn();
      await browser.get('/account');
      const out = await browser.post('/sessions/session-1/end');
      expect(out.headers['clear-site-data']).toBe('"cache", "storage"');
      expect((await browser.get(out.headers.location!)).body).toContain('You have signed out.');
      expect(sessions.size).toBe(0);
    });

    it.each(['/account', '/change_password', '/change_email', '/sessions/other/end'])(
      'shows %s to nobody else',
      async (url) => {
        expect(whereTo(await browser.get(url))).toEqual([303, '/login']);
      },
    );

    it.each(['/change_password', '/change_email', '/sessions/other/end'])(
      'takes no form at %s from somebody who is not signed in',
      async (url) => {
        await browser.get('/login');
        expect(whereTo(await browser.post(url, { currentPassword: 'right' }))).toEqual([303, '/login']);
        expectNothingDone();
      },
    );
  });

  it('offers to sign out on every page of somebody who is signed in, and on no other', async () => {
    const signOut = '<form method="post" action="/logout">';
    const urls = ['/', '/verify_email/live', '/confirm_email/live', '/cancel_email/live', '/not_me/live'];
    for (const url of [...urls, '/login', '/register']) {
      expect((await browser.get(url)).body).not.toContain(signOut);
    }
    await browser.signIn();
    for (const url of [...urls, '/account', '/change_password', '/change_email']) {
      expect((await browser.get(url)).body).toContain(signOut);
    }
    const wrong = await browser.postRaw('/change_email', `_csrf=${browser.hidden['_csrf']}&email=a&email=b`);
    expect([wrong.statusCode, wrong.body]).toEqual([400, expect.stringContaining(signOut)]);
    expect((await browser.post('/logout')).statusCode).toBe(303);
  });

  it('has fields that password managers and screen readers understand', async () => {
    const read = async (url: string) => (await browser.get(url)).body;
    const tokensIn = (body: string) =>
      [...body.matchAll(/autocomplete="([\w-]+)"/g)].map(([, token]) => token);
    const pages: [string, string, string[]][] = [
      ['/login', await read('/login'), ['username', 'current-password']],
      ['/register', await read('/register'), ['username', 'nickname', 'new-password', 'new-password']],
      ['/reset_password_request', await read('/reset_password_request'), ['email']],
      [
        '/reset_password/live',
        await read('/reset_password/live'),
        ['username', 'new-password', 'new-password'],
      ],
      ['/verify_email/live', await read('/verify_email/live'), ['username', 'current-password']],
    ];
    await browser.signIn();
    pages.push(
      [
        '/change_password',
        await read('/change_password'),
        ['username', 'current-password', 'new-password', 'new-password'],
      ],
      ['/change_email', await read('/change_email'), ['email', 'current-password']],
      ['/sessions/other/end', await read('/sessions/other/end'), ['username', 'current-password']],
    );
    for (const [url, body, tokens] of pages) {
      expect([url, tokensIn(body)]).toEqual([url, tokens]);
      for (const [, id] of body.matchAll(/<input id="(\w+)"/g)) expect(body).toContain(`<label for="${id}">`);
      expect(body).not.toMatch(/maxlength|onpaste|<script/);
      const passwords = body.match(/autocomplete="(new|current)-password"/g) ?? [];
      expect(body.match(/type="password"/g) ?? []).toHaveLength(passwords.length);
      expect(body.match(/minlength="15"/g) ?? []).toHaveLength(
        (body.match(/autocomplete="new-password"/g) ?? []).length,
      );
    }
  });

  describe('against foreign forms', () => {
    const publicPosts = [
      '/login',
      '/register',
      '/verify_email/live',
      '/reset_password_request',
      '/reset_password/live',
      '/not_me/live',
      '/confirm_email/live',
      '/cancel_email/live',
    ];
    const ownerPosts = ['/change_password', '/change_email', '/sessions/other/end'];
    const posts = [...publicPosts, ...ownerPosts, '/logout'];
    const fields = {
      email: user.email,
      username: 'Susan',
      password: 'right',
      password2: 'right',
      currentPassword: 'right',
    };

    it.each(publicPosts)('refuses %s without its token, and with a foreign one', async (url) => {
      const stranger = new Browser(app);
      await stranger.get('/login');
      await browser.get('/login');
      for (const _csrf of ['', 'x', browser.cookies.get('latchkey-pre')!, stranger.hidden['_csrf']!]) {
        expect((await browser.post(url, { ...fields, _csrf })).statusCode).toBe(403);
      }
      expectNothingDone();
      expect(events.record).toHaveBeenCalledTimes(4);
    });

    it.each(ownerPosts)('leads from %s to the login where the session is over', async (url) => {
      await browser.get('/login');
      const over = await browser.post(url, { ...fields, _csrf: 'x' });
      expect(whereTo(over)).toEqual([303, '/login?session_over']);
      const shown = await browser.get(over.headers.location!);
      expect(shown.body).toContain('Your session has ended.');
      expect(shown.body).toContain('action="/login"');
      expectNothingDone();
    });

    it('answers a sign-out of somebody who is signed out as done, but not to another site', async () => {
      expect(whereTo(await browser.post('/logout'))).toEqual([303, '/?signed_out']);
      const foreign = await browser.post('/logout', {}, { origin: 'https://evil.example' });
      expect(foreign.statusCode).toBe(403);
      expectNothingDone();
    });

    it.each(posts)('refuses %s to somebody who is signed in, without their token', async (url) => {
      const stranger = new Browser(app);
      await stranger.signIn();
      await stranger.get('/');
      await browser.get('/login');
      const before = browser.hidden['_csrf']!;
      await browser.signIn();
      auth.login.mockClear();
      for (const _csrf of ['', 'x', before, stranger.hidden['_csrf']!]) {
        expect((await browser.post(url, { ...fields, _csrf })).statusCode).toBe(403);
      }
      expectNothingDone();
      expect(sessions.size).toBe(2);
    });

    it('records every form that it refuses, and no secret with it', async () => {
      await browser.signIn();
      await browser.post('/confirm_email/live', { _csrf: 'x' }, { 'user-agent': 'a browser' });
      await browser.post('/not_me/live', {}, { origin: 'https://evil.example' });
      await browser.postRaw('/change_email', '{}', { 'content-type': 'text/plain' });
      const source = { ip: '127.0.0.1', userAgent: 'a browser' };
      const refused = { act: 'form_refused', outcome: 'failure' };
      const recorded = events.record.mock.calls.map(([event]) => event);
      expect(recorded).toMatchObject([
        { ...refused, userId: '1', source, details: { reason: 'token', route: '/confirm_email/:token' } },
        { ...refused, details: { reason: 'origin', route: '/not_me/:token' } },
        { ...refused, details: { reason: 'media_type', route: '/change_email' } },
      ]);
      expect(JSON.stringify(recorded)).not.toMatch(/live|session-1|evil/);
    });

    it('records twenty in a minute from one source, and refuses them all', async () => {
      const flood = async (times: number) => {
        for (let n = 0; n < times; n++)
          expect((await browser.post('/login', { _csrf: 'x' })).statusCode).toBe(403);
      };
      await flood(30);
      expect(events.record).toHaveBeenCalledTimes(20);
      clock.advance(60);
      await flood(1);
      expect(events.record).toHaveBeenCalledTimes(22);
      expect(events.record.mock.calls[20]).toMatchObject([{ act: 'form_refused', details: { more: 10 } }]);
    });

    it('accepts forms from before a change of the key, but none of a key that is gone', async () => {
      const [first, second, third] = ['1', '2', '3'].map((digit) => digit.repeat(32)) as [
        string,
        string,
        string,
      ];
      const startWith = (secretKey: string, previousSecretKeys: string[]) =>
        start('http://localhost:3000', (builder) =>
          builder.overrideProvider(Keyring).useValue(new Keyring({ secretKey, previousSecretKeys })),
        );
      const apps = [
        await startWith(first, []),
        await startWith(second, [first]),
        await startWith(third, [second]),
      ] as const;
      const opened = new Browser(apps[0]);
      await opened.get('/reset_password_request');
      const postTo = (server: NestFastifyApplication) => {
        const later = new Browser(server);
        opened.cookies.forEach((value, name) => later.cookies.set(name, value));
        later.hidden = opened.hidden;
        return later.post('/reset_password_request', { email: user.email });
      };
      expect((await postTo(apps[1])).statusCode).toBe(303);
      expect((await postTo(apps[2])).statusCode).toBe(403);
      for (const server of apps) await server.close();
    });

    it('changes nothing for GET and HEAD', async () => {
      await browser.signIn();
      auth.login.mockClear();
      for (const url of posts) {
        for (const method of ['GET', 'HEAD'] as const) {
          const query = new URLSearchParams({ ...fields, ...browser.hidden, _method: 'POST' }).toString();
          const headers = { 'x-http-method-override': 'POST' };
          expect((await browser.look(method, `${url}?${query}`, headers)).statusCode).toBeLessThan(500);
        }
      }
      expectNothingDone();
      expect(sessions.size).toBe(1);
    });

    it.each(posts)('refuses %s from another origin', async (url) => {
      await browser.get('/login');
      await browser.signIn();
      await browser.get('/');
      auth.login.mockClear();
      for (const headers of [
        { origin: 'https://evil.example' },
        { 'sec-fetch-site': 'cross-site' },
        { 'sec-fetch-site': 'same-site' },
        { origin: 'null', 'sec-fetch-site': 'cross-site' },
      ]) {
        const response = await browser.post(url, fields, headers as unknown as Fields);
        expect([response.statusCode, response.cookies]).toEqual([403, []]);
      }
      expectNothingDone();
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
    await browser.get('/reset_password/live');
    const fields = { password: 'limiter down', password2: 'limiter down' };
    const unavailable = await browser.post('/reset_password/live', fields);
    expect([unavailable.statusCode, unavailable.headers['retry-after'], unavailable.body]).toEqual([
      503,
      '5',
      expect.stringContaining('Not available right now'),
    ]);
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
      browser.get('/register'),
      browser.get('/account'),
      browser.get('/not_me/live'),
      browser.get('/confirm_email/used'),
      browser.get('/sessions/other/end'),
      browser.post('/login', { _csrf: 'x' }),
      browser.post('/login', { email: user.email, password: 'busy' }),
    ]);
    for (const { headers } of answers) {
      expect(headers).toMatchObject({
        'referrer-policy': expect.stringMatching(/^(no-referrer|same-origin)$/),
        'cache-control': 'no-store',
        'content-security-policy': expect.stringContaining("default-src 'none'"),
        'x-content-type-options': 'nosniff',
        'cross-origin-opener-policy': 'same-origin',
      });
    }
  });

  it('limits every public form, under the name that it has in the API', async () => {
    const limited = await start('http://localhost:3000', (builder) =>
      builder.overrideGuard(SourceLimitGuard).useValue({
        canActivate: (context: ExecutionContext) => {
          actions.push(Reflect.getMetadata('latchkey:limited-action', context.getHandler()));
          throw new RateLimitedError(42);
        },
      }),
    );
    const actions: string[] = [];
    const flooding = new Browser(limited);
    await flooding.get('/login');
    const forms = {
      '/login': 'login',
      '/register': 'registration',
      '/verify_email/live': 'registration-confirm',
      '/reset_password_request': 'password-reset',
      '/reset_password/live': 'password-reset-confirm',
      '/not_me/live': 'disavow',
      '/confirm_email/live': 'email-change-confirm',
      '/cancel_email/live': 'email-change-cancel',
    };
    for (const url of Object.keys(forms)) {
      const { statusCode, headers, body } = await flooding.post(url);
      expect([url, statusCode, headers['retry-after']]).toEqual([url, 429, '42']);
      expect(body).toContain('Too many requests');
    }
    expect(actions).toEqual(Object.values(forms));
    expectNothingDone();
    await limited.close();
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
