import { HealthCheckService } from '@nestjs/terminus';
import { IncomingHttpHeaders } from 'node:http';
import { AuthService } from '../../src/auth';
import { OverloadedError } from '../../src/common';
import { PasswordResetService } from '../../src/password-reset';
import { Route, routesOf } from '../../src/server/unknown-route.filter';
import { RawAnswer, sendAsIs, writeToSocket } from '../support/raw-request';
import { TestApp } from '../support/test-app';

const ONE_YEAR_SECONDS = 31_536_000;
const NOBODY = { email: 'nobody@example.com' };

/** The sources that a policy allows for something, by its own directive or by the default. */
function sourcesOf(policy: string, directive: string): string {
  const directives = new Map(
    policy.split(';').map((part) => {
      const [name, ...sources] = part.trim().split(/\s+/);
      return [name!, sources.join(' ')];
    }),
  );
  const fetches = /-(src)$/.test(directive);
  return directives.get(directive) ?? (fetches ? directives.get('default-src') : undefined) ?? 'anything';
}

interface Expectation {
  https?: boolean;
  /** Files that are everybody's, which caches may keep. */
  cacheable?: boolean;
}

/** What every answer of the server keeps, whatever it is about. */
function expectSafe(
  { status, headers, text }: RawAnswer,
  { https = false, cacheable = false }: Expectation = {},
) {
  const policy = String(headers['content-security-policy']);
  expect({
    object: sourcesOf(policy, 'object-src'),
    base: sourcesOf(policy, 'base-uri'),
    frame: sourcesOf(policy, 'frame-ancestors'),
    form: sourcesOf(policy, 'form-action'),
    script: sourcesOf(policy, 'script-src'),
  }).toEqual({
    object: "'none'",
    base: "'none'",
    frame: "'none'",
    form: expect.stringMatching(/^'(none|self)'$/),
    script: expect.stringMatching(/^'(none|self)'$/),
  });
  expect(headers).toMatchObject({
    'x-frame-options': 'DENY',
    'x-content-type-options': 'nosniff',
    'referrer-policy': expect.stringMatching(/^(no-referrer|same-origin)$/),
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
  });
  expect(headers['strict-transport-security']).toBe(
    https ? `max-age=${ONE_YEAR_SECONDS}; includeSubDomains` : undefined,
  );
  for (const name of [
    'x-powered-by',
    'server',
    'access-control-allow-origin',
    'access-control-allow-credentials',
  ])
    expect(headers).not.toHaveProperty(name);
  if (!cacheable) expect(headers['cache-control']).toBe('no-store');
  if (text !== '') expect(headers['content-type']).toMatch(/^[a-z]+\/[a-z.+-]+; charset=utf-8$/);
  if (status >= 400)
    expect(headers['content-type'] ?? 'text/html').toMatch(/^(text\/html|application\/problem\+json)/);
  for (const cookie of [headers['set-cookie'] ?? []].flat()) {
    expect(cookie).toMatch(https ? /^__Host-[^;]+;.*Secure/ : /^latchkey/);
    expect(cookie).toMatch(/; Path=\/(;|$)/);
    expect(cookie).toMatch(/; HttpOnly(;|$)/);
    expect(cookie).toMatch(/; SameSite=Lax(;|$)/);
    expect(cookie).not.toMatch(/Domain/i);
  }
}

/** An answer as it came over a socket of its own. */
function parseAnswer(message: string): RawAnswer {
  const [head, ...rest] = message.split('\r\n\r\n');
  const [statusLine, ...lines] = head!.split('\r\n');
  const headers = Object.fromEntries(
    lines.map((line) => [
      line.slice(0, line.indexOf(':')).toLowerCase(),
      line.slice(line.indexOf(':') + 1).trim(),
    ]),
  ) as IncomingHttpHeaders;
  return { status: Number(statusLine!.split(' ')[1]), headers, text: rest.join('\r\n\r\n') };
}

/** The HTML of a caught mail, shown in a frame of ours; where mails are caught, and nowhere else. */
const FRAMED = '/dev/mailbox/:id/html';
const CACHEABLE = ['/assets/style.css', '/favicon.ico', '/dev/mailbox/style.css'];

describe.each([
  ['http', 'http://localhost:3000'],
  ['https', 'https://id.example.com'],
])('every answer, on %s, is safe in a browser', (scheme, publicUrl) => {
  const https = scheme === 'https';
  let server: TestApp;
  let routes: Route[];

  beforeAll(async () => {
    server = await TestApp.start({ settings: { publicUrl, apiDocs: 'on' } });
    routes = routesOf(server.app).filter(({ path }) => path !== FRAMED);
  });
  afterAll(() => server.stop());
  afterEach(() => jest.restoreAllMocks());

  const send = (path: string, options?: Parameters<typeof sendAsIs>[2]) =>
    sendAsIs(server.url, path, options);
  const concrete = (path: string) =>
    path.replace(':id', '6f0f1a3e-0d0c-4f8e-9a43-0f1a3e0d0c4f').replace(/:\w+/, 'abc');
  const safe = (answer: RawAnswer, path = '') =>
    expectSafe(answer, { https, cacheable: answer.status < 400 && CACHEABLE.includes(path) });

  it('sees every route', () => {
    const known = routes.map(({ method, path }) => `${method} ${path}`);
    expect(known).toEqual(
      expect.arrayContaining(['GET /', 'POST /login', 'GET /reset_password/:token', 'POST /api/auth/login']),
    );
    expect(known.length).toBeGreaterThan(30);
  });

  it('on every route, asked as it may be', async () => {
    const statuses = new Set<number>();
    for (const { method, path } of routes) {
      const body = method === 'POST' ? { body: '{}', headers: { 'Content-Type': 'application/json' } } : {};
      const answer = await send(concrete(path), { method, ...body });
      statuses.add(answer.status);
      safe(answer, path);
    }
    expect([...statuses].sort()).toEqual(expect.arrayContaining([200, 302, 303, 400, 401, 404]));
  });

  it('on every route, asked for by HEAD as by GET', async () => {
    for (const { path } of routes.filter(({ method }) => method === 'GET')) {
      const answer = await send(concrete(path), { method: 'HEAD' });
      expect({ path, text: answer.text }).toEqual({ path, text: '' });
      safe(answer, path);
    }
  });

  it('on every route, with a method that it does not have: 405 with those that it has', async () => {
    const paths = [...new Set(routes.map(({ path }) => path))];
    for (const path of paths) {
      const known = routes.filter((route) => route.path === path).map(({ method }) => method);
      const allow = [...known, ...(known.includes('GET') ? ['HEAD'] : [])].sort().join(', ');
      for (const method of ['TRACE', 'PATCH', 'OPTIONS']) {
        const answer = await send(concrete(path), { method });
        expect({ path, method, status: answer.status, allow: answer.headers.allow }).toEqual({
          path,
          method,
          status: 405,
          allow,
        });
        expect(answer.text).not.toContain('TRACE');
        safe(answer);
      }
    }
  });

  it('on every route that takes a body, with one of a wrong kind or too large', async () => {
    for (const { path } of routes.filter(({ method }) => method === 'POST')) {
      const page = !path.startsWith('/api');
      const kinds: [type: string, body: string, statuses: number[]][] = [
        ['text/plain', 'x', [415, 401]],
        ['application/xml', '<x/>', [415, 401]],
        [
          page ? 'application/json' : 'application/x-www-form-urlencoded',
          'x=y',
          page ? [400, 415] : [415, 401],
        ],
        ['application/json', '{', [400]],
        ['application/json', 'x'.repeat(70_000), [413]],
      ];
      for (const [type, body, statuses] of kinds) {
        const answer = await send(concrete(path), {
          method: 'POST',
          headers: { 'Content-Type': type },
          body,
        });
        expect({ path, type, status: answer.status, ok: statuses.includes(answer.status) }).toMatchObject({
          ok: true,
        });
        safe(answer);
      }
    }
  });

  it.each([
    '/nothing-here',
    '/api/nothing-here',
    '/api',
    '/.git/config',
    '/.git/HEAD',
    '/.env',
    '/package.json',
    '/package-lock.json',
    '/node_modules/pg/package.json',
    '/dist/main.js',
    '/views/layout.pug',
    '/dist/users/common-passwords.txt',
    '/server-status',
    '/metrics',
    '/.well-known/resource-that-should-not-exist-whose-status-code-should-not-be-200',
    '/.well-known/security.txt',
    '/assets/../package.json',
    '/assets/%2e%2e/package.json',
    '/assets/..%2fpackage.json',
    '/login/x',
    '/LOGIN',
  ])('where there is nothing: %s', async (path) => {
    for (const method of ['GET', 'POST', 'TRACE']) {
      const answer = await send(path, { method });
      expect(answer.status).toBe(404);
      expect(answer.headers).not.toHaveProperty('allow');
      safe(answer);
    }
  });

  it.each(['/%', '/api/%zz', '/reset_password/%c0%80', '/api/users/%'])(
    'on a path that cannot be read: %s',
    async (path) => {
      const answer = await send(path);
      expect(answer.status).toBe(400);
      safe(answer);
    },
  );

  it.each([
    ['no request at all', 'HELLO\r\n\r\n', 400],
    [
      'two lengths',
      'POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
      400,
    ],
    [
      'a length and chunks',
      'POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
    ],
    ['no host', 'GET / HTTP/1.1\r\n\r\n', 400],
    [
      'a chunk of no size',
      'POST /login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
      400,
    ],
    ['a line break in a header', 'GET / HTTP/1.1\r\nHost: x\r\nX: a\nb\r\n\r\n', 400],
    ['20 kB of headers', `GET / HTTP/1.1\r\nHost: x\r\nX: ${'a'.repeat(20_000)}\r\n\r\n`, 431],
  ])('on what cannot be read: %s', async (_, message, status) => {
    const answer = parseAnswer(await writeToSocket(server.url, message));
    expect(answer.status).toBe(status);
    if (message.includes('Host')) {
      safe(answer);
      expect(JSON.parse(answer.text)).toMatchObject({
        status,
        requestId: expect.stringMatching(/^[\da-f-]{36}$/),
      });
    }
  });

  it('on redirects', async () => {
    for (const path of ['/.well-known/change-password', '/account', '/reset_password/abc']) {
      const answer = await send(path);
      expect([302, 303]).toContain(answer.status);
      expect(answer.headers.location).toMatch(/^\/\w/);
      safe(answer);
    }
  });

  it('on files that a browser has already', async () => {
    const { headers } = await send('/assets/style.css');
    const answer = await send('/assets/style.css', { headers: { 'If-None-Match': headers.etag! } });
    expect(answer.status).toBe(304);
    safe(answer, '/assets/style.css');
  });

  it.each([
    '/api/docs',
    '/api/openapi.json',
    '/api/docs/start.js',
    '/api/docs/swagger-ui.css',
    '/api/docs/swagger-ui-bundle.js',
  ])('on the description of the API: %s', async (path) => {
    const answer = await send(path);
    expect(answer.status).toBe(200);
    expectSafe(answer, { https, cacheable: true });
  });

  it('on 500 and 503, of the API and of pages', async () => {
    const login = JSON.stringify({ ...NOBODY, password: 'x' });
    const asJson = { method: 'POST', headers: { 'Content-Type': 'application/json' } };
    for (const [error, status] of [
      [new Error('broken'), 500],
      [new OverloadedError(5), 503],
    ] as const) {
      jest.spyOn(server.app.get(AuthService), 'login').mockRejectedValue(error);
      jest.spyOn(server.app.get(PasswordResetService), 'inspect').mockRejectedValue(error);
      const answers = [
        await send('/api/auth/login', { ...asJson, body: login }),
        await send('/reset_password/abc'),
      ];
      for (const answer of answers) {
        expect(answer.status).toBe(status);
        expect(answer.text).not.toContain('broken');
        safe(answer);
      }
    }
    jest.spyOn(server.app.get(HealthCheckService), 'check').mockRejectedValue(new Error('broken'));
    const answer = await send('/health/ready');
    expect(answer.status).toBe(500);
    safe(answer);
  });
});

it('an answer to too many requests is as safe as any other', async () => {
  const server = await TestApp.start({ settings: { limitPerMinute: 1 } });
  await server.forgetCounters();
  try {
    const ask = () =>
      sendAsIs(server.url, '/api/password-reset', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(NOBODY),
      });
    await ask();
    const refused = await ask();
    expect(refused.status).toBe(429);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expectSafe(refused);
  } finally {
    await server.stop();
  }
});
