import { Logger } from '@nestjs/common';
import { randomInt, randomUUID } from 'node:crypto';
import type { Response } from 'supertest';
import { RecordedSecurityEvent, SecurityEvents } from '../../src/common';
import type { Settings } from '../../src/server/settings';
import { LimitsOptions, NETWORK_LIMIT_FACTOR } from '../../src/limits';
import { PasswordHasher, User } from '../../src/users';
import { AppModule as InMemoryHost } from '../fixtures/in-memory/app.module';
import { HostApp } from '../support/host-app';
import { PageVisitor } from '../support/page-visitor';
import { describeWithRedis, redisUrl } from '../support/redis';
import { statementsDuring } from '../support/statements';
import { AdapterName, PASSWORD, TestApp, TestAppOptions } from '../support/test-app';

const FLOOD = { status: 429, code: 'RATE_LIMITED' };

const servers: TestApp[] = [];

/** A server behind one proxy, so that tests can be many sources. */
async function start(settings: Partial<Settings> = {}, options: TestAppOptions = {}): Promise<TestApp> {
  const server = await TestApp.start({
    ...options,
    settings: { limitPerMinute: 5, trustProxy: 1, ...settings },
  });
  servers.push(server);
  return server;
}

afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop();
});

/** A source that nobody else is. */
const anySource = () => `10.${randomInt(256)}.${randomInt(256)}.${randomInt(256)}`;
const anyNetwork = () => `2001:db8:${randomInt(0xffff).toString(16)}:${randomInt(0xffff).toString(16)}`;

/** A request that is served with 400, unless it is one too many. */
const knock = (server: TestApp, source: string, headers: Record<string, string> = {}) =>
  server.http
    .post('/api/password-reset/verify')
    .set({ 'X-Forwarded-For': source, ...headers })
    .send({ token: 'x' });

async function knockTimes(times: number, server: TestApp, source: string): Promise<number[]> {
  const statuses = [];
  for (let n = 0; n < times; n++) statuses.push((await knock(server, source)).status);
  return statuses;
}

const forgetCounters = (server: TestApp) => server.database.query('DELETE FROM latchkey.limit_counters');

function inEveryStore(specs: (settings: Partial<Settings>) => void): void {
  describe('counted in PostgreSQL', () => specs({}));
  describeWithRedis('counted in Redis', () => specs({ redisUrl }));
}

describe('requests of one source', () => {
  inEveryStore((store) => {
    it('are served up to the limit, of 500 at the same time to four servers', async () => {
      const four = await Promise.all(
        Array.from({ length: 4 }, () => start({ ...store, limitPerMinute: 20 })),
      );
      const source = anySource();
      const answers = await Promise.all(
        Array.from({ length: 500 }, (_, n) => knock(four[n % 4]!, source).then(({ status }) => status)),
      );
      expect(answers.filter((status) => status === 400)).toHaveLength(20);
      expect(answers.filter((status) => status === 429)).toHaveLength(480);
    });

    it('are not served again because the server has been started again', async () => {
      const source = anySource();
      const before = await start(store);
      expect(await knockTimes(3, before, source)).toEqual([400, 400, 400]);
      await servers.pop()!.stop();
      expect(await knockTimes(3, await start(store), source)).toEqual([400, 400, 429]);
    });

    it('are one count, whether they come by a page or by the API', async () => {
      const server = await start(store);
      const source = anySource();
      const browser = server.browser();
      const { text } = await browser.get('/reset_password_request').expect(200);
      const _csrf = /name="_csrf" value="([^"]*)"/.exec(text)![1];
      const byPage = () =>
        browser
          .post('/reset_password_request')
          .set('X-Forwarded-For', source)
          .type('form')
          .send({ _csrf, email: 'nobody@example.com' });
      const byApi = () => server.ask('nobody@example.com').set('X-Forwarded-For', source);

      const statuses = [];
      for (const ask of [byPage, byApi, byPage, byApi, byPage, byPage, byApi])
        statuses.push((await ask()).status);
      expect(statuses).toEqual([303, 202, 303, 202, 303, 429, 429]);

      const page = await byPage();
      expect(page.type).toBe('text/html');
      expect(page.headers).toMatchObject({ 'cache-control': 'no-store' });
      expect(page.headers['retry-after']).toMatch(/^([1-9]|[1-5]\d|60)$/);
    });
  });

  const LINK_PAGES = ['reset_password', 'verify_email', 'confirm_email', 'cancel_email', 'not_me'];

  it.each(LINK_PAGES)('are limited where they open /%s/:token, however good the link', async (page) => {
    const server = await start();
    const source = anySource();
    const open = () => server.http.get(`/${page}/none`).set('X-Forwarded-For', source);
    for (let n = 0; n < 5; n++) await open().expect(303);
    const answer = await open().expect(429);
    expect(answer.type).toBe('text/html');
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
  });

  it('are one count, whether a link is looked at by the page or by the API', async () => {
    const server = await start();
    const source = anySource();
    const open = () => server.http.get('/reset_password/none').set('X-Forwarded-For', source);
    for (let n = 0; n < 2; n++) await open().expect(303);
    expect(await knockTimes(3, server, source)).toEqual([400, 400, 400]);
    await open().expect(429);
  });

  it('get a problem that names no account, is never cached, and says honestly when to come again', async () => {
    const server = await start();
    const source = anySource();
    await knockTimes(5, server, source);
    const answer = await knock(server, source).expect(429);
    expect(answer.type).toBe('application/problem+json');
    expect(answer.body).toMatchObject(FLOOD);
    expect(answer.text).not.toMatch(/account|user|example\.com/i);
    expect(answer.headers).toMatchObject({ 'cache-control': 'no-store' });
    const wait = Number(answer.headers['retry-after']);
    expect([Number.isInteger(wait), wait > 30, wait <= 60]).toEqual([true, true, true]);

    // The counters know the machine's time only, so it is they who are moved.
    const pass = (seconds: number) =>
      server.database.query('UPDATE latchkey.limit_counters SET expire = expire - $1', [seconds * 1000]);
    await pass(wait - 10);
    const sooner = await knock(await start(), source).expect(429);
    expect(Number(sooner.headers['retry-after'])).toBeLessThanOrEqual(10);
    await pass(10);
    expect(await knockTimes(6, await start(), source)).toEqual([400, 400, 400, 400, 400, 429]);
  });

  it('do not stand in the way of another source', async () => {
    const server = await start();
    const [flood, other] = [anySource(), anySource()];
    await Promise.all(Array.from({ length: 50 }, () => knock(server, flood)));
    expect(await knockTimes(5, server, other)).toEqual([400, 400, 400, 400, 400]);
  });

  it('are counted for each act by itself', async () => {
    const server = await start();
    const source = anySource();
    await knockTimes(6, server, source);
    await server.ask('nobody@example.com').set('X-Forwarded-For', source).expect(202);
  });

  it('are counted before anything is read, looked up or hashed, whatever is in them', async () => {
    const server = await start();
    const source = anySource();
    const hash = jest.spyOn(server.app.get(PasswordHasher), 'verify');
    const login = (body: object) =>
      server.http.post('/api/auth/login').set('X-Forwarded-For', source).send(body);
    for (const body of [{}, { email: 1 }, { email: 'x' }, { email: 'a@b.example', password: 'x' }, []])
      expect((await login(body)).status).toBeLessThan(429);
    expect(hash).toHaveBeenCalledTimes(1);
    const user = await server.createUser();
    expect((await login({ email: user.email, password: PASSWORD })).body).toMatchObject(FLOOD);
    expect((await login({})).body).toMatchObject(FLOOD);
    expect(hash).toHaveBeenCalledTimes(1);
  });

  it('are told once as an event, however many are refused', async () => {
    const two = [await start(), await start()];
    const source = anySource();
    const told: RecordedSecurityEvent[] = [];
    for (const { app } of two)
      app.get(SecurityEvents).onEvent((event) => Promise.resolve(void told.push(event)));
    await Promise.all(Array.from({ length: 60 }, (_, n) => knock(two[n % 2]!, source)));
    expect(told.filter(({ act }) => act === 'limit_exceeded')).toEqual([
      expect.objectContaining({
        act: 'limit_exceeded',
        outcome: 'failure',
        source,
        details: { limit: 'source-password-reset-verify' },
      }),
    ]);
  });

  inEveryStore((store) => {
    it('are served up to the limit of an hour, and what the minute refuses does not count for it', async () => {
      const server = await start({ ...store, limitPerMinute: 5, limitPerHour: 7 });
      const source = anySource();
      expect(await knockTimes(20, server, source)).toEqual([
        400,
        400,
        400,
        400,
        400,
        ...Array<number>(15).fill(429),
      ]);
      server.app.get(LimitsOptions).perMinute = 0;
      expect(await knockTimes(3, server, source)).toEqual([400, 400, 429]);
      const wait = Number((await knock(server, source).expect(429)).headers['retry-after']);
      expect([wait > 3500, wait <= 3600]).toEqual([true, true]);
      expect(await knockTimes(1, server, anySource())).toEqual([400]);
    });

    it('are no more from a whole /48 than fifty sources have, and a source alone uses up nothing of it', async () => {
      const server = await start({ ...store, limitPerMinute: 1, limitPerHour: 0 });
      const network = anyNetwork();
      const [prefix, one] = [network.slice(0, network.lastIndexOf(':')), `${network}::1`];
      await Promise.all(Array.from({ length: 200 }, () => knock(server, one)));
      const statuses = await Promise.all(
        Array.from({ length: 60 }, (_, n) =>
          knock(server, `${prefix}:${(0x1_0000 + n).toString(16).slice(1)}::1`).then(({ status }) => status),
        ),
      );
      const served = statuses.filter((status) => status === 400).length;
      expect([NETWORK_LIMIT_FACTOR, served >= 48, served <= 50]).toEqual([50, true, true]);
      expect(await knockTimes(1, server, `${anyNetwork()}::1`)).toEqual([400]);
    });
  });

  it('cost one statement for all their counters, those of their network too', async () => {
    const server = await start();
    const sent = await statementsDuring(() => knock(server, `${anyNetwork()}::1`).expect(400));
    const ofCounters = sent.filter(({ text }) => /limit_counters|count_in_order/.test(text));
    expect(ofCounters).toHaveLength(1);
  });

  it('are served in any number where LIMIT_PER_MINUTE is 0', async () => {
    const server = await start({ limitPerMinute: 0 });
    expect(new Set(await knockTimes(50, server, anySource()))).toEqual(new Set([400]));
  });

  it('answer alike whether or not there is such an account', async () => {
    const server = await start();
    const user = await server.createUser();
    const burst = async (email: string) => {
      const source = anySource();
      const answers: Response[] = [];
      for (let n = 0; n < 8; n++) answers.push(await server.ask(email).set('X-Forwarded-For', source));
      for (let n = 0; n < 8; n++)
        answers.push(await server.login(email, 'a wrong password').set('X-Forwarded-For', source));
      return answers.map(({ status, text, body }) => [status, text.replace(body.requestId, '')]);
    };
    const known = await burst(user.email);
    expect(known.map(([status]) => status)).toEqual(
      [202, 202, 202, 202, 202, 429, 429, 429].concat([401, 401, 401, 401, 401, 429, 429, 429]),
    );
    expect(await burst(`nobody.${user.email}`)).toEqual(known);
  });
});

describe('changes that somebody asks for who is signed in', () => {
  const AGAIN = { currentPassword: PASSWORD, password: PASSWORD };
  const asking = ({ email }: User) => ({ currentPassword: PASSWORD, email });

  it.each([
    ['password', () => ({ ...AGAIN, password2: PASSWORD }), () => AGAIN, 422],
    ['email', asking, asking, 400],
  ])(
    'of the %s are one count for page and API, however right the password is, and hash no more then',
    async (what, pageFields, apiFields, served) => {
      const server = await start();
      await server.forgetCounters();
      const user = await server.createUser();
      const [session, source, visitor] = [
        await server.accessTokenFor(user),
        anySource(),
        new PageVisitor(server),
      ];
      await visitor.signIn(user.email);
      await visitor.open(`/change_${what}`);
      const from = { 'X-Forwarded-For': source };
      const byPage = () => visitor.submit(`/change_${what}`, pageFields(user), from);
      const byApi = () =>
        server.http
          .post(`/api/users/me/${what}`)
          .set({ ...from, Authorization: `Bearer ${session}` })
          .send(apiFields(user));

      const statuses = [];
      for (const change of [byPage, byApi, byPage, byApi, byPage]) statuses.push((await change()).status);
      expect(statuses).toEqual([served, served, served, served, served]);
      const hash = jest.spyOn(server.app.get(PasswordHasher), 'verify');
      for (const change of [byPage, byApi]) {
        const { status, headers } = await change();
        expect(status).toBe(429);
        expect(headers).toMatchObject({ 'cache-control': 'no-store' });
        expect(headers['retry-after']).toMatch(/^([1-9]|[1-5]\d|60)$/);
      }
      expect(hash).not.toHaveBeenCalled();
      await server.login(user.email, PASSWORD).set('X-Forwarded-For', anySource()).expect(200);
    },
  );
});

describe('a source', () => {
  const SPRAY: Record<string, string>[] = [
    { 'X-Forwarded-For': '203.0.113.1' },
    { 'X-Forwarded-For': '203.0.113.2, 203.0.113.3' },
    { 'X-Forwarded-For': ',,,,203.0.113.4,,' },
    { Forwarded: 'for=203.0.113.5;proto=https' },
    { 'X-Real-IP': '203.0.113.6' },
    { 'X-Client-IP': '203.0.113.7' },
    { 'CF-Connecting-IP': '203.0.113.8' },
    { 'True-Client-IP': '203.0.113.9' },
    { 'X-Forwarded': 'for=203.0.113.10' },
    { 'X-Cluster-Client-IP': '203.0.113.11' },
  ];

  it.each<AdapterName>(['fastify', 'express'])(
    'is no other for the headers it writes, on %s, where no proxy is trusted',
    async (adapter) => {
      const server = await start({ trustProxy: 0 }, { adapter });
      await forgetCounters(server);
      const statuses = [];
      for (const headers of SPRAY) {
        const answer = await server.http.post('/api/password-reset/verify').set(headers).send({ token: 'x' });
        statuses.push(answer.status);
      }
      expect(statuses).toEqual([400, 400, 400, 400, 400, 429, 429, 429, 429, 429]);
      await forgetCounters(server);
    },
  );

  it('is what the one trusted proxy has seen, whatever came in front of that', async () => {
    const server = await start();
    const source = anySource();
    const statuses = [];
    for (let n = 0; n < 8; n++) {
      const spray = { ...SPRAY[n], 'X-Forwarded-For': `203.0.113.${n}, 198.51.100.${n}, ${source}` };
      statuses.push((await knock(server, source, spray)).status);
    }
    expect(statuses).toEqual([400, 400, 400, 400, 400, 429, 429, 429]);
  });

  it('is a whole /64 of IPv6', async () => {
    const server = await start({ limitPerMinute: 20 });
    const network = anyNetwork();
    const answers = await Promise.all(
      Array.from({ length: 300 }, (_, n) => knock(server, `${network}:${n.toString(16)}::${n.toString(16)}`)),
    );
    expect(answers.filter(({ status }) => status === 400)).toHaveLength(20);
    expect(await knockTimes(1, server, `${anyNetwork()}::1`)).toEqual([400]);
  });

  it('is the same IPv4 address, mapped into IPv6 or not, with a port or not', async () => {
    const server = await start();
    const source = anySource();
    const hex = Buffer.from(source.split('.').map(Number)).toString('hex');
    const spellings = [
      `::ffff:${source}`,
      `::FFFF:${hex.slice(0, 4)}:${hex.slice(4)}`,
      `0:0:0:0:0:ffff:${hex.slice(0, 4)}:${hex.slice(4)}`,
      `${source}:${randomInt(1024, 65_536)}`,
      source,
      `${source}:${randomInt(1024, 65_536)}`,
      `::ffff:${source}`,
    ];
    const statuses = [];
    for (const spelling of spellings) statuses.push((await knock(server, spelling)).status);
    expect(statuses).toEqual([400, 400, 400, 400, 400, 429, 429]);
  });

  it('that is no address has no count of its own', async () => {
    const server = await start();
    await forgetCounters(server);
    const statuses = [];
    for (let n = 0; n < 8; n++) statuses.push((await knock(server, `host-${randomUUID()}`)).status);
    expect(statuses).toEqual([400, 400, 400, 400, 400, 429, 429, 429]);
    await forgetCounters(server);
  });
});

describe('when nothing can be counted', () => {
  const refusals = async (server: TestApp) => {
    const user = await server.createUser();
    const answers = [];
    for (const email of [user.email, `nobody.${user.email}`])
      answers.push(
        await server.ask(email),
        await server.login(email, PASSWORD),
        await server.login(email, 'a wrong password'),
      );
    const seen = answers.map(({ status, headers, text, body }) => ({
      status,
      retryAfter: headers['retry-after'],
      text: text.replace(body.requestId, ''),
    }));
    expect(seen[0]).toMatchObject({ status: 503, retryAfter: '5' });
    expect(seen[0]!.text).toContain('"code":"UNAVAILABLE"');
    for (const answer of seen) expect(answer).toEqual(seen[0]);
    await server.http.get('/').expect(200);
  };

  it('serves nobody, known or unknown, while the table is gone; and everybody when it is back', async () => {
    const server = await start();
    await server.database.query('ALTER TABLE latchkey.limit_counters RENAME TO gone');
    try {
      await refusals(server);
    } finally {
      await server.database.query('ALTER TABLE latchkey.gone RENAME TO limit_counters');
    }
    await server.ask('nobody@example.com').set('X-Forwarded-For', anySource()).expect(202);
  });

  it('serves nobody, known or unknown, while Redis is gone', async () => {
    await refusals(await start({ redisUrl: 'redis://127.0.0.1:1' }));
  });

  it('tells people on a page to try again', async () => {
    const server = await start({ redisUrl: 'redis://127.0.0.1:1' });
    const browser = server.browser();
    const { text } = await browser.get('/login').expect(200);
    const _csrf = /name="_csrf" value="([^"]*)"/.exec(text)![1];
    const answer = await browser
      .post('/login')
      .type('form')
      .send({ _csrf, email: 'a@b.example', password: 'x' });
    expect([answer.status, answer.type, answer.headers['retry-after']]).toEqual([503, 'text/html', '5']);
  });
});

describe.each<AdapterName>(['fastify', 'express'])('a host on %s', (adapter) => {
  const look = (host: HostApp) => host.look('x');

  it('that switches its limits off has none', async () => {
    const host = await HostApp.start(InMemoryHost, adapter);
    host.get(LimitsOptions).perMinute = 0;
    const statuses = [];
    for (let n = 0; n < 30; n++) statuses.push((await look(host)).status);
    expect(new Set(statuses)).toEqual(new Set([400]));
    await host.stop();
  });

  it('has limits otherwise, as problems', async () => {
    const host = await HostApp.start(InMemoryHost, adapter);
    host.get(LimitsOptions).perMinute = 5;
    const statuses = [];
    for (let n = 0; n < 6; n++) statuses.push((await look(host)).status);
    expect(statuses).toEqual([400, 400, 400, 400, 400, 429]);
    expect((await look(host)).body).toMatchObject(FLOOD);
    await host.stop();
  });
});

describe('a proxy that nobody counts', () => {
  const UNCOUNTED = /X-Forwarded-For .* TRUST_PROXY is 0\. .*: set TRUST_PROXY to the number of proxies/;

  it.each<[string, number, Partial<Settings>]>([
    ['is told to the operator of production once', 1, { environment: 'production', trustProxy: 0 }],
    ['is not looked for where proxies are counted', 0, { environment: 'production', trustProxy: 1 }],
    ['nor in development', 0, { environment: 'development', trustProxy: 0 }],
  ])('%s', async (_, times, settings) => {
    const warn = jest.spyOn(Logger.prototype, 'warn').mockReturnValue();
    try {
      const server = await start({ limitPerMinute: 0, ...settings });
      const warnings = () => warn.mock.calls.filter(([message]) => UNCOUNTED.test(String(message)));
      await server.http.get('/health/live').expect(200);
      expect(warnings()).toEqual([]);
      for (const header of ['X-Forwarded-For', 'X-Forwarded-For', 'Forwarded'])
        await server.http.get('/health/live').set(header, 'for=203.0.113.9').expect(200);
      expect(warnings()).toHaveLength(times);
    } finally {
      warn.mockRestore();
    }
  });
});
