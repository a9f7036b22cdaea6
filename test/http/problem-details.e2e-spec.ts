import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Response } from 'supertest';
import { QueryFailedError } from 'typeorm';
import { PasswordResetStore } from '../../src/password-reset';
import { User, UsersService } from '../../src/users';
import { RawAnswer, sendAsIs } from '../support/raw-request';
import { AdapterName, PASSWORD, TestApp } from '../support/test-app';

type Answer = Pick<Response, 'status' | 'headers' | 'text'> | RawAnswer;

/** What only somebody who knows the inside of the server would write. */
const INTERNALS =
  /fastify|FST_|express|nestjs|node_modules|typeorm|pg-?boss|postgres|bcrypt|\b(select|insert|update) |\bstack\b|\bat \S+ \(|\.[jt]s\b|\/(work|home|tmp|usr|src|dist)\//i;

function expectProblem(answer: Answer, status: number, code: string, errors?: object[]): void {
  expect(answer.headers).toMatchObject({
    'content-type': 'application/problem+json; charset=utf-8',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  expect(answer.headers['server'] ?? answer.headers['x-powered-by']).toBeUndefined();
  expect(answer.text).not.toMatch(INTERNALS);
  expect({ ...JSON.parse(answer.text), httpStatus: answer.status }).toEqual({
    type: 'about:blank',
    title: STATUS_CODES[status],
    status,
    httpStatus: status,
    code,
    detail: expect.stringMatching(/^[A-Z].*\.$/),
    requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    ...(errors && { errors }),
  });
}

const fieldError = (field: string, code = 'invalid') => ({
  field,
  code,
  message: expect.stringMatching(/^\w/),
});

const DEEP = '['.repeat(20_000) + ']'.repeat(20_000);

describe.each<AdapterName>(['fastify', 'express'])('what is refused over REST, on %s', (adapter) => {
  let server: TestApp;
  let user: User;
  let link: string;
  let session: string;
  let jobs: number;
  let mails: number;

  const countJobs = async (): Promise<number> =>
    (await server.database.query('SELECT count(*)::int AS jobs FROM latchkey.jobs'))[0].jobs;

  beforeAll(async () => {
    server = await TestApp.start({ adapter });
    user = await server.createUser();
    link = await server.tokenFor(user);
    session = await server.accessTokenFor(user);
  });
  afterAll(() => server.stop());

  // The promise behind every case below: nothing has been done.
  beforeEach(async () => {
    jobs = await countJobs();
    mails = server.mails.countTo(user.email);
  });
  afterEach(async () => {
    expect(await countJobs()).toBe(jobs);
    expect(server.mails.countTo(user.email)).toBe(mails);
  });

  /** The routes that read a body, each with one that it accepts. */
  const ROUTES: Record<string, () => Record<string, string>> = {
    '/api/password-reset': () => ({ email: user.email }),
    '/api/password-reset/verify': () => ({ token: link }),
    '/api/password-reset/confirm': () => ({ password: 'staple battery horse correct', token: link }),
    '/api/auth/login': () => ({ email: user.email, password: PASSWORD }),
  };
  const paths = Object.keys(ROUTES);
  const FIELDS: [path: string, field: string][] = [
    ['/api/password-reset', 'email'],
    ['/api/password-reset/verify', 'token'],
    ['/api/password-reset/confirm', 'token'],
    ['/api/password-reset/confirm', 'password'],
    ['/api/auth/login', 'email'],
    ['/api/auth/login', 'password'],
  ];

  const post = (path: string, body: string, type = 'application/json') =>
    server.http.post(path).set('Authorization', `Bearer ${session}`).set('Content-Type', type).send(body);

  /** The body that a route accepts, with the JSON of one field put in as text, before or in place of its own. */
  const bodyWith = (path: string, field: string, json: string) => {
    const { [field]: _, ...others } = ROUTES[path]!();
    return JSON.stringify(others).replace(
      /}$/,
      `${Object.keys(others).length ? ',' : ''}${JSON.stringify(field)}:${json}}`,
    );
  };

  /** What fails before any route is found is answered by the application; in ours, that is as a problem too. */
  const expectEarlyProblem = (...[answer, status, ...rest]: Parameters<typeof expectProblem>) => {
    expect(answer.status).toBe(status);
    if (adapter === 'fastify') expectProblem(answer, status, ...rest);
    else {
      // Express reads the body before our headers are set.
      expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8');
      expect(answer.text).not.toMatch(INTERNALS);
    }
  };

  /** What is said of a body that has none of the fields. */
  const allMissing = (path: string) => Object.keys(ROUTES[path]!()).map((field) => fieldError(field));

  describe.each([...paths, '/api/auth/logout'])('%s', (path) => {
    it.each([
      [
        'a form',
        'application/x-www-form-urlencoded',
        () => new URLSearchParams(ROUTES[path]?.() ?? { a: 'b' }).toString(),
      ],
      ['JSON that is called text', 'text/plain', () => JSON.stringify(ROUTES[path]?.() ?? {})],
      [
        'JSON that is called something like JSON',
        'application/jsonp',
        () => JSON.stringify(ROUTES[path]?.() ?? {}),
      ],
      ['JSON of some other kind', 'application/ld+json', () => JSON.stringify(ROUTES[path]?.() ?? {})],
      ['JSON with two types', 'text/plain, application/json', () => JSON.stringify(ROUTES[path]?.() ?? {})],
      ['JSON with a type that is none', 'json', () => JSON.stringify(ROUTES[path]?.() ?? {})],
      [
        'a form with parts',
        'multipart/form-data; boundary=x',
        () => `--x\r\nContent-Disposition: form-data; name="email"\r\n\r\n${user.email}\r\n--x--\r\n`,
      ],
    ])('does not take %s', async (_, type, body) => {
      expectProblem(await post(path, body(), type), 415, 'UNSUPPORTED_MEDIA_TYPE');
    });

    it.each([
      ['of known length', {}],
      ['of unknown length', { 'Transfer-Encoding': 'chunked' }],
    ])('does not take a body without a type, %s', async (_, headers) => {
      const answer = await sendAsIs(server.url, path, {
        method: 'POST',
        headers: { Authorization: `Bearer ${session}`, ...headers },
        body: JSON.stringify(ROUTES[path]?.() ?? {}),
      });
      expectProblem(answer, 415, 'UNSUPPORTED_MEDIA_TYPE');
    });

    it('does not take more than 64 KiB', async () => {
      const body = JSON.stringify({ ...ROUTES[path]?.(), email: 'x'.repeat(64 * 1024) });
      expectEarlyProblem(await post(path, body), 413, 'PAYLOAD_TOO_LARGE');
      const ofUnknownLength = await sendAsIs(server.url, path, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', 'Transfer-Encoding': 'chunked' },
        body,
      });
      expectEarlyProblem(ofUnknownLength, 413, 'PAYLOAD_TOO_LARGE');
    });

    it.each([
      ['half an object', '{"email":'],
      ['half a text', '{"email":"hunter2'],
      ['single quotes', "{'email':'hunter2'}"],
      ['a comma too many', '{"email":"hunter2",}'],
      ['something behind it', '{"email":"hunter2"} hunter2'],
      ['a form', 'email=hunter2'],
      ['a number that JSON does not have', '{"email":NaN}'],
      ['NUL', '\0'],
      ['a line break in a text', '{"email":"a\nb"}'],
    ])('does not take JSON with %s', async (_, body) => {
      const answer = await post(path, body);
      expectEarlyProblem(answer, 400, 'BAD_REQUEST');
      expect(answer.text).not.toContain('hunter2');
    });

    it.each(['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE'])(
      'does nothing on %s',
      async (method) => {
        const query = new URLSearchParams({ ...ROUTES[path]?.(), _method: 'POST' }).toString();
        const answer = await sendAsIs(server.url, `${path}?${query}`, {
          method,
          headers: { 'X-HTTP-Method-Override': 'POST', Authorization: `Bearer ${session}` },
        });
        expect(answer.status).toBe(405);
        expect(answer.headers.allow?.split(', ')).toContain('POST');
        if (method !== 'HEAD') expectEarlyProblem(answer, 405, 'METHOD_NOT_ALLOWED');
        await server.me(session).expect(200);
      },
    );
  });

  describe.each(paths)('%s', (path) => {
    it.each([
      ['an empty object', '{}'],
      ['a list', '[]'],
      ['a list with the right thing in it', () => JSON.stringify([ROUTES[path]!()])],
      ['lists in lists', DEEP],
    ])('does not take %s', async (_, body) => {
      const answer = await post(path, typeof body === 'string' ? body : body());
      expectProblem(answer, 400, 'VALIDATION_FAILED', allMissing(path));
    });

    it.each(['null', '0', '1', 'true', 'false', '"text"', '""'])('does not take %s', async (body) => {
      expectEarlyProblem(await post(path, body), 400, 'VALIDATION_FAILED', allMissing(path));
    });

    it.each([
      'id',
      'role',
      'userId',
      'emailVerified',
      'passwordHash',
      'credentialsVersion',
      'redirectUrl',
      'callbackURL',
      'to',
      'Email',
      'email ',
      'email[]',
      '$where',
      '',
      'constructor',
      'toString',
      'hasOwnProperty',
      'prototype',
    ])('does not take a field %p beside its own', async (field) => {
      for (const json of ['"evil"', 'null']) {
        const body = bodyWith(path, field, json);
        expectProblem(await post(path, body), 400, 'VALIDATION_FAILED', [fieldError(field, 'unknown_field')]);
      }
    });

    it.each([
      ['__proto__', '{"polluted":true}'],
      ['__proto__', 'null'],
      ['constructor', '{"prototype":{"polluted":true}}'],
    ])('does not take %s: %s, and lets it change nothing', async (field, json) => {
      const answer = await post(path, bodyWith(path, field, json));
      expect(answer.status).toBe(400);
      // Fastify refuses it while it reads the body, Express leaves it to us.
      if (answer.body.code === 'BAD_REQUEST') expectProblem(answer, 400, 'BAD_REQUEST');
      else expectProblem(answer, 400, 'VALIDATION_FAILED', [fieldError(field, 'unknown_field')]);
      expect({}).not.toHaveProperty('polluted');
    });

    it('does not take an object with thousands of fields, and answers in fewer words', async () => {
      const keys = Array.from({ length: 7000 }, (_, n) => `"${n.toString(36)}":0`);
      const body = `{${keys.join(',')}}`;
      const answer = await post(path, body).expect(400);
      expect(answer.body).toMatchObject({ code: 'VALIDATION_FAILED' });
      expect(answer.text.length).toBeLessThan(body.length / 10);
    });
  });

  it.each(['verify', 'confirm'])(
    'does not take a forged token at /api/password-reset/%s, and inspects nothing but its signature',
    async (route) => {
      const find = jest.spyOn(server.app.get(PasswordResetStore), 'findById');
      const body = JSON.stringify({ token: `${link}x`, unknown: 1 });
      expectProblem(await post(`/api/password-reset/${route}`, body), 400, 'RESET_TOKEN_INVALID');
      expect(find).not.toHaveBeenCalled();
      find.mockRestore();
    },
  );

  describe.each(FIELDS)('%s: %s', (path, field) => {
    it.each([
      ['null', 'null'],
      ['a number', '1'],
      ['zero', '0'],
      ['true', 'true'],
      ['an empty list', '[]'],
      ['a list with the right thing in it', () => JSON.stringify([ROUTES[path]!()[field]])],
      ['an empty object', '{}'],
      ['an operator', '{"$ne":null}'],
      ['an object that looks like a text', '{"length":3,"toString":"x"}'],
      ['an operator of the ORM', '{"_type":"not","_value":"x"}'],
      ['lists in lists', DEEP],
      ['NUL', () => JSON.stringify(`${ROUTES[path]!()[field]}\0`)],
      ['half a character', () => `${JSON.stringify(ROUTES[path]!()[field]).slice(0, -1)}\\ud800"`],
      ['the other half', () => `${JSON.stringify(ROUTES[path]!()[field]).slice(0, -1)}\\udc00"`],
    ])('is not %s', async (_, json) => {
      const body = bodyWith(path, field, typeof json === 'string' ? json : json());
      const answer = await post(path, body);
      expectProblem(answer, 400, 'VALIDATION_FAILED', [fieldError(field)]);
      expect(answer.text).not.toContain(ROUTES[path]!()['token'] ?? PASSWORD);
    });

    it('is not missing', async () => {
      const { [field]: _, ...others } = ROUTES[path]!();
      expectProblem(await post(path, JSON.stringify(others)), 400, 'VALIDATION_FAILED', [fieldError(field)]);
    });

    it('is not bytes that are no UTF-8', async () => {
      const [before, after] = bodyWith(path, field, '"\u2620"').split('\u2620');
      const body = Buffer.concat([
        Buffer.from(before!),
        Buffer.from([0x73, 0xff, 0xfe]),
        Buffer.from(after!),
      ]);
      const answer = await sendAsIs(server.url, path, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body,
      });
      expectProblem(answer, 400, 'VALIDATION_FAILED', [fieldError(field)]);
    });
  });

  describe.each(['/api/password-reset', '/api/auth/login'])('%s takes one plain address, not', (path) => {
    const EVIL = 'evil@example.net';

    it.each<[string, (email: string) => string]>([
      ['two by comma', (email) => `${email},${EVIL}`],
      ['two by semicolon', (email) => `${email};${EVIL}`],
      ['two by space', (email) => `${email} ${EVIL}`],
      ['two by line', (email) => `${email}\n${EVIL}`],
      ['a header', (email) => `${email}\r\nBcc: ${EVIL}`],
      ['a space before it', (email) => ` ${email}`],
      ['a space behind it', (email) => `${email} `],
      ['a line break behind it', (email) => `${email}\n`],
      ['a display name', (email) => `Susan <${email}>`],
      ['angle brackets', (email) => `<${email}>`],
      ['a group', (email) => `all:${email},${EVIL};`],
      ['quotes', (email) => `"${email}"@example.net`],
      ['a comment', (email) => `${email}(${EVIL})`],
      ['an encoded word', (email) => `=?utf-8?q?${email.replace('@', '=40')}?=@example.net`],
      ['two @', (email) => `${email}@example.net`],
      ['a full-width @', (email) => email.replace('@', '\uff20')],
      ['a percent hack', (email) => `${email.replace('@', '%')}@example.net`],
      ['a path behind it', (email) => `${email}/evil`],
      ['an escaped domain', (email) => email.replace('example', 'ex%61mple')],
      ['an invisible character', (email) => email.replace('@', '\u200b@')],
      ['an accent that is a twin of another', (email) => email.replace('@', 'e\u0341@')],
      ['a trailing dot', (email) => `${email}.`],
      ['an address literal', (email) => email.replace('example.com', '[127.0.0.1]')],
      ['nothing', () => ''],
      ['60 kB', (email) => `${'x'.repeat(60_000)}${email}`],
      ['60 kB that nearly match', () => 'a@'.repeat(30_000)],
    ])('%s', async (_, spell) => {
      const body = { ...ROUTES[path]!(), email: spell(user.email) };
      expectProblem(await post(path, JSON.stringify(body)), 400, 'VALIDATION_FAILED', [fieldError('email')]);
    });
  });

  describe('an address that leads nowhere', () => {
    it.each([
      '/api',
      '/api/',
      '/api/nothing',
      '/api/users/me/nothing',
      '/api/users/1',
      '/api/password-reset/nothing',
      '/health',
      '/health/nothing',
      '/api/../package.json',
      '/api/..%2f..%2fpackage.json',
      '/api/%2e%2e/.env',
      '/api/password-reset%00',
      `/api/${'x'.repeat(5000)}`,
      "/api/'%20OR%201=1--",
      '/api/<script>alert(1)</script>',
    ])('is a problem like any other: %s', async (path) => {
      for (const method of ['GET', 'POST'])
        expectEarlyProblem(await sendAsIs(server.url, path, { method }), 404, 'NOT_FOUND');
    });
  });

  it.each(['/api/%', '/api/password-reset/%zz', '/api/%ff%fe'])('a path that is none: %s', async (path) => {
    const answer = await sendAsIs(server.url, path);
    if (adapter === 'fastify') expectProblem(answer, 400, 'BAD_REQUEST');
    else expectEarlyProblem(answer, 404, 'NOT_FOUND');
  });

  describe('a fault of our own', () => {
    afterEach(() => jest.restoreAllMocks());

    it.each<[string, unknown]>([
      [
        'of the database',
        new QueryFailedError(
          'SELECT * FROM latchkey.users WHERE id = $1',
          ['hunter2'],
          new Error('hunter2 at /work/x.ts'),
        ),
      ],
      ['of the code', new TypeError("Cannot read properties of undefined (reading 'hunter2')")],
      [
        'that carries a status of its own',
        Object.assign(new Error('hunter2'), { statusCode: 200, status: 200 }),
      ],
      ['that is no error', 'hunter2'],
      ['that is nothing', undefined],
    ])('%s is told to nobody', async (_, fault) => {
      jest.spyOn(server.app.get(UsersService), 'authenticate').mockRejectedValue(fault);
      const answer = await server.login(user.email, PASSWORD);
      expectProblem(answer, 500, 'INTERNAL_ERROR');
      expect(answer.text).not.toContain('hunter2');
    });
  });

  it('keeps other sites out: no answer may be read by their scripts', async () => {
    for (const origin of ['https://evil.example', 'null', server.url]) {
      const preflight = await server.http
        .options('/api/password-reset')
        .set({ Origin: origin, 'Access-Control-Request-Method': 'POST' });
      const answer = await server.look('x').set('Origin', origin);
      for (const { headers } of [preflight, answer])
        expect(Object.keys(headers).filter((name) => name.startsWith('access-control-'))).toEqual([]);
    }
  });

  it('has left the account as it was after all of this', async () => {
    await server.login(user.email, PASSWORD).expect(200);
    await server.look(link).expect(200);
    await server.me(session).expect(200);
  });
});

describe.each<AdapterName>(['fastify', 'express'])('what is accepted over REST, on %s', (adapter) => {
  let server: TestApp;

  beforeAll(async () => {
    // Of a job that is done no address is left to look for.
    server = await TestApp.start({ adapter, settings: { role: 'web' } });
  });
  afterAll(() => server.stop());

  const asked = async (key: string): Promise<number> =>
    (
      await server.database.query(
        `SELECT count(*)::int AS jobs FROM latchkey.jobs WHERE data->>'emailKey' = $1`,
        [key],
      )
    )[0].jobs;

  it.each([
    'application/json',
    'application/json; charset=utf-8',
    'APPLICATION/JSON',
    'application/json ;x=y',
  ])('takes a body of type %s', async (type) => {
    const email = `${randomUUID()}@example.com`;
    await server.http
      .post('/api/password-reset')
      .set('Content-Type', type)
      .send(JSON.stringify({ email }))
      .expect(202);
    expect(await asked(email)).toBe(1);
  });

  it('takes the last of two fields with one name, and forgets the first', async () => {
    const [first, last] = [`${randomUUID()}@example.com`, `${randomUUID()}@example.com`];
    const both = (one: string, two: string) =>
      `{"email":${JSON.stringify(one)},"email":${JSON.stringify(two)}}`;
    await server.http.post('/api/password-reset').type('json').send(both(first, last)).expect(202);
    expect([await asked(first), await asked(last)]).toEqual([0, 1]);
    await server.http.post('/api/password-reset').type('json').send(both(first, 'no address')).expect(400);
    expect(await asked(first)).toBe(0);
  });

  it('takes what is written with escapes for what it means', async () => {
    const email = `${randomUUID()}@example.com`;
    const escaped = JSON.stringify({ email }).replace('@', '\\u0040');
    await server.http.post('/api/password-reset').type('json').send(escaped).expect(202);
    expect(await asked(email)).toBe(1);
  });

  it('does not look at the query', async () => {
    const [email, other] = [`${randomUUID()}@example.com`, `${randomUUID()}@example.com`];
    await server.ask(email).query({ email: other }).expect(202);
    expect([await asked(email), await asked(other)]).toEqual([1, 0]);
  });

  it('signs out a client that sends an empty object or nothing at all', async () => {
    const user = await server.createUser();
    for (const body of [undefined, {}]) {
      const session = await server.accessTokenFor(user);
      await server.http
        .post('/api/auth/logout')
        .set('Authorization', `Bearer ${session}`)
        .send(body)
        .expect(204);
      await server.me(session).expect(401);
    }
  });
});
