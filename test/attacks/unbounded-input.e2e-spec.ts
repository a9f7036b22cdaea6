import bcrypt from 'bcrypt';
import { randomInt, randomUUID } from 'node:crypto';
import type { Response } from 'supertest';
import { AuthOptions } from '../../src/auth';
import { describeError, Translations } from '../../src/common';
import { requestSource } from '../../src/http';
import { JobsOptions } from '../../src/jobs';
import { LimitsOptions } from '../../src/limits';
import { sendAsIs } from '../support/raw-request';
import { PASSWORD, TestApp } from '../support/test-app';
import { register, someAddress } from './links';
import {
  Browser,
  comparable,
  expectNoEffect,
  NEW_PASSWORD,
  postJson,
  signIn,
  startTarget,
  submit,
} from './support';

/** Combining marks in the order that costs most: NFC takes more than linear time for them. */
const marks = (count: number) => `a${'\u0345'.repeat(count / 2)}${'\u0334'.repeat(count / 2)}`;
/** As much as fits into a body of JSON, and into one of a form with two of them. */
const LONG = { json: marks(32_600), form: marks(5_000) };
/** UTF-16 units; at most so many are ever normalized at a time. */
const BOUND = 1024;

const anySource = () => `10.${randomInt(256)}.${randomInt(256)}.${randomInt(256)}`;

describe('input without bound', () => {
  let server: TestApp;
  let visitor: Browser;

  beforeAll(async () => {
    server = await startTarget({ settings: { trustProxy: 1 } });
    visitor = server.browser();
  });
  afterAll(() => server.stop());
  afterEach(() => jest.restoreAllMocks());

  /** Does something. @returns what was read of texts meanwhile, and the hashes that were computed, by their cost */
  const workOf = async (act: () => Promise<unknown>) => {
    const normalized = jest.spyOn(String.prototype, 'normalize');
    const [hash, compare] = [jest.spyOn(bcrypt, 'hash'), jest.spyOn(bcrypt, 'compare')];
    await act();
    const lengths = normalized.mock.contexts.map((text) => (text as string).length);
    const hashes = hash.mock.calls.length + compare.mock.calls.length;
    jest.restoreAllMocks();
    return { longest: Math.max(0, ...lengths), passwords: lengths.filter((length) => length > 200), hashes };
  };

  describe('A80 password of combining marks: no text is read before its length is known', () => {
    it('at no door that takes a password, and nothing comes of it', async () => {
      const user = await server.createUser();
      const [token, accessToken] = [await server.tokenFor(user), await server.accessTokenFor(user)];
      const registration = await register(server, someAddress());
      const insider = server.browser();
      await signIn(insider, user.email, PASSWORD);
      const [json, form] = [{ password: LONG.json }, { password: LONG.form, password2: LONG.form }];
      const post = (path: string, body: object) => postJson(server, path, JSON.stringify(body), accessToken);
      const inside = (path: string, fields: Record<string, string>) =>
        submit(insider, path, fields, { formOf: path });
      const DOORS: [number, () => PromiseLike<Response>][] = [
        [401, () => post('/api/auth/login', { ...json, email: user.email })],
        [422, () => post('/api/users', { ...json, email: someAddress(), username: 'Susan' })],
        [403, () => post('/api/users/verify', { ...json, token: registration })],
        [422, () => post('/api/password-reset/confirm', { ...json, token })],
        [422, () => post('/api/users/me/password', { ...json, currentPassword: PASSWORD })],
        [403, () => post('/api/users/me/password', { currentPassword: LONG.json, password: NEW_PASSWORD })],
        [403, () => post('/api/users/me/email', { email: someAddress(), currentPassword: LONG.json })],
        [401, () => submit(visitor, '/login', { email: user.email, password: LONG.form })],
        [422, () => submit(visitor, '/register', { ...form, email: someAddress(), username: 'Susan' })],
        [403, () => submit(visitor, `/verify_email/${registration}`, form)],
        [422, () => submit(visitor, `/reset_password/${token}`, form)],
        [422, () => inside('/change_password', { ...form, currentPassword: PASSWORD })],
        [403, () => inside('/change_email', { email: someAddress(), currentPassword: LONG.form })],
      ];
      await expectNoEffect(server, async () => {
        for (const [status, door] of DOORS) {
          let answer: Response | undefined;
          const { longest } = await workOf(async () => (answer = await door()));
          expect({ door: door.toString(), status: answer!.status }).toEqual({
            door: door.toString(),
            status,
          });
          expect(longest).toBeLessThanOrEqual(BOUND);
        }
      });
    });

    const set = async (assignment: string): Promise<string> => {
      const { id, email } = await server.createUser();
      await server.database.query(`UPDATE latchkey.users SET ${assignment} WHERE id = $1`, [id]);
      return email;
    };
    const CLASSES: Record<string, () => Promise<string>> = {
      unknown: () => Promise.resolve(`${randomUUID()}@example.com`),
      known: async () => (await server.createUser()).email,
      disabled: () => set('disabled_at = now()'),
      unverified: () => set('unverified_since = now()'),
      sealed: () => set(`password_hash = '!'`),
      'of another system': () => set(`password_hash = '${bcrypt.hashSync(PASSWORD, 4)}'`),
      blocked: async () => {
        const { email } = await server.createUser();
        for (let n = 0; n < 3; n++) await server.login(email, 'wrong').set('X-Forwarded-For', anySource());
        return email;
      },
    };

    it.each([
      ['of 32,601 units', LONG.json],
      ['of as many units as are read', marks(BOUND - 2)],
      ['of one more', marks(BOUND)],
    ])('sign-in with one %s costs and says the same for every account', async (_, password) => {
      server.app.get(AuthOptions).failuresPerAccount = 3;
      const seen: Record<string, unknown> = {};
      for (const [name, make] of Object.entries(CLASSES)) {
        const email = await make();
        let answer: Response | undefined;
        const work = await workOf(
          async () => (answer = await server.login(email, password).set('X-Forwarded-For', anySource())),
        );
        seen[name] = { work, answer: comparable(answer!) };
      }
      server.app.get(AuthOptions).failuresPerAccount = 100;
      expect(seen['unknown']).toMatchObject({ answer: { status: 401 } });
      for (const name of Object.keys(CLASSES))
        expect({ [name]: seen[name] }).toEqual({ [name]: seen['unknown'] });
    });
  });

  describe('A81 long names, addresses, tokens and headers: only as much is read as there may be', () => {
    it('of a name, an address and a token, by REST and on a page', async () => {
      const long = LONG.json;
      const post = (path: string, body: object) => postJson(server, path, JSON.stringify(body));
      const account = { email: someAddress(), username: 'Susan', password: NEW_PASSWORD };
      const form = { ...account, password2: NEW_PASSWORD };
      const DOORS: [number, () => PromiseLike<Response>][] = [
        [400, () => post('/api/users', { ...account, username: long })],
        [400, () => post('/api/users', { ...account, email: `${long}@example.com` })],
        [400, () => post('/api/users', { ...account, locale: long })],
        [400, () => post('/api/password-reset', { email: `susan@${long}.example` })],
        [400, () => post('/api/password-reset/verify', { token: long })],
        [400, () => post('/api/auth/login', { email: `${long}@example.com`, password: PASSWORD })],
        [400, () => submit(visitor, '/register', { ...form, username: LONG.form })],
        [400, () => submit(visitor, '/reset_password_request', { email: `${LONG.form}@example.com` })],
        [401, () => submit(visitor, '/login', { email: `${LONG.form}@example.com`, password: PASSWORD })],
        [403, () => visitor.post('/login').type('form').send({ _csrf: LONG.form })],
      ];
      await expectNoEffect(server, async () => {
        for (const [status, door] of DOORS) {
          let answer: Response | undefined;
          const { longest } = await workOf(async () => (answer = await door()));
          expect({ door: door.toString(), status: answer!.status }).toEqual({
            door: door.toString(),
            status,
          });
          expect(longest).toBeLessThanOrEqual(BOUND);
        }
      });
    });

    it('of Accept-Language the beginning, also over HTTP', async () => {
      const translations = server.app.get(Translations);
      expect(translations.negotiate(`zh-TW, ${'en;q=0.1,'.repeat(1000)}`)).toBe('zh-TW');
      expect(translations.negotiate(`${'fr,'.repeat(1000)}zh-TW`)).toBe('en');
      const headers = { 'Accept-Language': `zh-TW,${'a-b;q=0.5,'.repeat(1000)}` };
      expect((await sendAsIs(server.url, '/login', { headers })).status).toBe(200);
    });

    it('of a client\u2019s name 200 characters, and of what is longer than any address none', () => {
      const source = requestSource({
        ip: `[${'1'.repeat(15_000)}`,
        headers: { 'user-agent': '\u00e9'.repeat(15_000) },
      });
      expect(source).toEqual({ ip: 'unknown', userAgent: '?'.repeat(200) });
    });

    it('of an error for the log, in a time that grows with its length and no faster', () => {
      const timeFor = (length: number) => {
        const error = Object.assign(new Error(`${'x'.repeat(length)} susan@example.com`), { stack: '' });
        const begin = performance.now();
        expect(describeError(error)).toMatch(/x s\*\*\*@example\.com$/);
        return performance.now() - begin;
      };
      timeFor(1000);
      // The square of it would take some ten seconds.
      expect(timeFor(200_000)).toBeLessThan(1000);
    });
  });
});

describe('A82 many sources: who has a network is not one guesser for each address in it', () => {
  let server: TestApp;

  beforeAll(async () => {
    server = await startTarget({ settings: { trustProxy: 1 } });
  });
  afterAll(() => server.stop());

  const limitTo = (perMinute: number, perHour: number) =>
    Object.assign(server.app.get(LimitsOptions), { perMinute, perHour });
  /** How many tries at tokens from some addresses, all at the same time, are read; the others get 429. */
  const served = async (addresses: string[]): Promise<number> => {
    const answers = await Promise.all(
      addresses.map((address) => server.look('a guess').set('X-Forwarded-For', address)),
    );
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status !== 400 && status !== 429)).toEqual([]);
    return statuses.filter((status) => status === 400).length;
  };
  const anyHextet = () => randomInt(1, 0x1_0000).toString(16);
  const times = (count: number, address: (n: number) => string) =>
    Array.from({ length: count }, (_, n) => address(n));

  it('of the 65,536 sources of a /48, fifty are served', async () => {
    limitTo(1, 0);
    const network = `2001:db8:${anyHextet()}`;
    expect(await served(times(60, (n) => `${network}:${n.toString(16)}::1`))).toBe(50);
    expect(await served([`2001:db8:${anyHextet()}::1`])).toBe(1);
  });

  it('an address that is translated or tunneled is the IPv4 address that it stands for', async () => {
    limitTo(1, 0);
    const [high, low] = [anyHextet(), anyHextet()];
    const inverted = [high, low].map((part) => (parseInt(part, 16) ^ 0xffff).toString(16)).join(':');
    const spellings = [
      `64:ff9b::${high}:${low}`,
      `64:ff9b:1::${high}:${low}`,
      `2002:${high}:${low}::1`,
      `2002:${high}:${low}:ffff::1`,
      `2001:0:c000:201:0:1:${inverted}`,
      `::ffff:${high}:${low}`,
    ];
    expect(await served(spellings)).toBe(1);
    expect(await served([`64:ff9b::${low}:${high}`])).toBe(1);
  });

  it('who waits for every minute to pass is stopped by the hour', async () => {
    limitTo(3, 7);
    const source = anySource();
    let inAll = 0;
    for (let minute = 0; minute < 5; minute++) {
      inAll += await served(times(5, () => source));
      await server.database.query(
        `UPDATE latchkey.limit_counters SET expire = expire - 60000 WHERE key LIKE 'source-password-reset-verify:%'`,
      );
      // Another instance, which does not remember whom it has just refused.
      await server.stop();
      server = await startTarget({ settings: { trustProxy: 1 } });
      limitTo(3, 7);
    }
    expect(inAll).toBe(7);
  });
});

describe('A83 the shadow of a request: its work begins by chance, not at its heels', () => {
  let server: TestApp;

  beforeAll(async () => {
    // Looks for jobs fifty times a second.
    server = await startTarget({ startDelayMs: 500 });
  });
  afterAll(() => server.stop());

  it('within half a second, and no sooner though somebody looks for work meanwhile', async () => {
    for (const chance of [0, 0.25, 0.5, 0.999]) {
      const { email } = await server.createUser();
      const [random, log] = [jest.spyOn(Math, 'random'), jest.spyOn(server.database.logger, 'logQuery')];
      random.mockReturnValue(chance);
      const asked = performance.now();
      await server.ask(email).expect(202);
      random.mockRestore();
      const [, values] = log.mock.calls.find(([text]) => text.includes('INSERT INTO latchkey.jobs'))!;
      log.mockRestore();
      expect(JSON.parse((values as string[])[0]!)).toEqual([
        expect.objectContaining({ delay: 0.5 * chance }),
      ]);
      await server.mails.next(email);
      expect(performance.now() - asked).toBeGreaterThanOrEqual(500 * chance);
    }
  });

  it('at once where other processes do the work', async () => {
    const web = await startTarget({ startDelayMs: 500 });
    web.app.get(JobsOptions).work = false;
    await web.ask(someAddress()).expect(202);
    const [job] = await web.database.query<[{ wait: number }]>(
      `SELECT extract(epoch FROM due_at - added_at)::float AS wait FROM latchkey.jobs
       WHERE queue = 'password-reset' ORDER BY added_at DESC LIMIT 1`,
    );
    expect(job.wait).toBeCloseTo(0, 2);
    await web.stop();
  });
});
