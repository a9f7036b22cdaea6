import bcrypt from 'bcrypt';
import { randomInt, randomUUID } from 'node:crypto';
import type { Response } from 'supertest';
import { AuthOptions } from '../../src/auth';
import { Housekeeping } from '../../src/jobs';
import { LimitsOptions } from '../../src/limits';
import { PasswordResetOptions } from '../../src/password-reset';
import { User, UsersOptions, UsersService } from '../../src/users';
import { callsDuring, memoryInUse } from '../support/cost';
import { sendAsIs, writeToSocket } from '../support/raw-request';
import { describeWithRedis, redisUrl } from '../support/redis';
import { PASSWORD, TestApp, TestAppOptions } from '../support/test-app';
import { someAddress } from './links';
import {
  Browser,
  csrfOf,
  expectNoEffect,
  mailsCausedBy,
  NEW_PASSWORD,
  postJson,
  signIn,
  startTarget,
  submit,
} from './support';

const WRONG = 'a wrong password';

const anySource = () => `10.${randomInt(256)}.${randomInt(256)}.${randomInt(256)}`;
const anyNetwork = () => `2001:db8:${randomInt(0xffff).toString(16)}:${randomInt(0xffff).toString(16)}`;
const times = <T>(count: number, make: (n: number) => T): T[] =>
  Array.from({ length: count }, (_, n) => make(n));
const from = (source: string) => ({ 'X-Forwarded-For': source });

describe('guessing, limits and load', () => {
  /** Behind one proxy, so that an attacker can be many. */
  let server: TestApp;
  let visitor: Browser;

  beforeAll(async () => {
    server = await startTarget({ settings: { trustProxy: 1 } });
    // The bursts below are about what is counted: none of them shall be refused for the work of its hashes.
    server.app.get(UsersOptions).hashQueueLimit = 1000;
    visitor = server.browser();
  });
  afterAll(() => server.stop());
  afterEach(() => {
    jest.restoreAllMocks();
    Object.assign(server.app.get(LimitsOptions), { perMinute: 0 });
    Object.assign(server.app.get(AuthOptions), { failuresPerSource: 0, failuresPerAccount: 100 });
    Object.assign(server.app.get(PasswordResetOptions), { cooldownSeconds: 0, mailsPerHour: 0 });
  });

  const login = (email: string, password: string, source: string, target = server) =>
    target.login(email, password).set(from(source));
  const loginByPage = (email: string, password: string, source: string) =>
    submit(visitor, '/login', { email, password }, { headers: from(source) });
  const guess = async (count: number, email: string, sourceOf: (n: number) => string, target = server) => {
    for (let n = 0; n < count; n++) await login(email, WRONG, sourceOf(n), target).expect(401);
  };
  /** How many of the passwords typed from now on are compared with that of an account. */
  const comparisons = () => {
    const spy = jest.spyOn(server.app.get(UsersService), 'authenticate');
    return () => spy.mock.calls.filter(([email]) => email !== undefined).length;
  };
  const statusesOf = (answers: Response[], status: number) =>
    answers.filter((answer) => answer.status === status).length;

  describe('A52 spoofed client address: no header makes another source', () => {
    const SPRAY = (n: number): string[] => [
      `X-Forwarded-For: 203.0.113.${n}`,
      `X-Forwarded-For: 203.0.113.${n}\r\nX-Forwarded-For: 198.51.100.${n}`,
      `X-Forwarded-For: 2001:db8::${n}, , 203.0.113.${n}`,
      `Forwarded: for=203.0.113.${n}`,
      `X-Real-IP: 203.0.113.${n}\r\nX-Client-IP: 203.0.113.${n}\r\nTrue-Client-IP: 203.0.113.${n}`,
      `CF-Connecting-IP: 203.0.113.${n}\r\nFastly-Client-IP: 203.0.113.${n}\r\nX-Cluster-Client-IP: 203.0.113.${n}`,
      `X-Originating-IP: 127.0.0.${n}\r\nX-Remote-Addr: 127.0.0.${n}\r\nVia: 1.1 203.0.113.${n}`,
    ];
    const ACTIONS = [
      '/api/auth/login',
      '/api/password-reset',
      '/api/password-reset/verify',
      '/api/password-reset/confirm',
      '/api/password-reset/disavow',
      '/api/users',
      '/api/users/verify',
      '/api/email-change/confirm',
      '/api/email-change/cancel',
    ];

    const post = async (target: TestApp, path: string, body: string, headers: string): Promise<number> => {
      const length = Buffer.byteLength(body);
      const head = `POST ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json`;
      const answer = await writeToSocket(
        target.url,
        `${head}\r\nContent-Length: ${length}\r\n${headers}\r\n\r\n${body}`,
      );
      return Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)![1]);
    };
    const sprayed = async (target: TestApp, path: string, suffix = ''): Promise<number[]> => {
      const statuses = [];
      for (const headers of SPRAY(randomInt(1, 255)))
        statuses.push(await post(target, path, '{}', headers + suffix));
      return statuses;
    };

    it('where no proxy is trusted', async () => {
      const direct = await TestApp.start({ settings: { role: 'web', limitPerMinute: 3 } });
      try {
        for (const path of ACTIONS) {
          await direct.database.query('DELETE FROM latchkey.limit_counters');
          expect(await sprayed(direct, path)).toEqual([400, 400, 400, 429, 429, 429, 429]);
        }
        direct.app.get(LimitsOptions).perMinute = 0;
        direct.app.get(AuthOptions).failuresPerSource = 3;
        const statuses = [];
        for (const headers of SPRAY(7)) {
          const body = JSON.stringify({ email: someAddress(), password: WRONG });
          statuses.push(await post(direct, '/api/auth/login', body, headers));
        }
        expect(statuses).toEqual([401, 401, 401, 429, 429, 429, 429]);
      } finally {
        await direct.stop();
      }
    });

    it('where one is trusted, in front of what that one adds', async () => {
      server.app.get(LimitsOptions).perMinute = 3;
      const source = anySource();
      for (const path of ACTIONS)
        expect(await sprayed(server, path, `\r\nX-Forwarded-For: ${source}`)).toEqual([
          ...times(3, () => 400),
          ...times(4, () => 429),
        ]);
    });
  });

  describe('A53 IPv6 and mapped addresses: one guesser is one source', () => {
    it.each<[string, (source: string, n: number) => string, () => string]>([
      ['a whole /64', (network, n) => `${network}:${n}::${n}`, anyNetwork],
      ['a /64 as a proxy writes it with ports', (network, n) => `[${network}::${n}]:${1024 + n}`, anyNetwork],
      ['IPv4, mapped or not', (source, n) => (n % 2 ? `::ffff:${source}` : source), anySource],
      ['IPv4 with ports', (source, n) => `${source}:${1024 + n}`, anySource],
    ])('%s', async (_, spell, anyOf) => {
      const [{ email }, source, looked] = [await server.createUser(), anyOf(), comparisons()];
      await guess(13, email, (n) => spell(source, n));
      expect(looked()).toBe(10);
      await login(email, PASSWORD, spell(source, 99)).expect(401);
      await login(email, PASSWORD, spell(anyOf(), 1)).expect(200);
    });
  });

  describe('A54 counter store flushed or lost: no flood and no restart gives new tries', () => {
    const specs = (settings: TestAppOptions['settings']) => async () => {
      const start = () => TestApp.start({ settings: { trustProxy: 1, ...settings } });
      const first = await start();
      const [{ email }, source] = [await first.createUser(), anySource()];
      first.app.get(UsersOptions).hashQueueLimit = 1000;
      await guess(10, email, () => source, first);
      await Promise.all(times(80, (n) => login(`${n}.${email}`, WRONG, n % 2 ? source : anySource(), first)));
      await first.app.get(Housekeeping).run();
      await login(email, PASSWORD, source, first).expect(401);
      await first.stop();

      const second = await start();
      await login(email, PASSWORD, source, second).expect(401);
      await login(email, PASSWORD, anySource(), second).expect(200);
      await second.stop();
    };

    it('in PostgreSQL', specs({}));
    describeWithRedis('with Redis', () => it('in Redis', specs({ redisUrl })));
  });

  describe('A55 counter keyed on typed text: every spelling of an address shares its counters', () => {
    /** An account whose address can be written in many ways, and those ways. */
    const aliased = async (): Promise<{ user: User; spellings: string[]; typed: string[] }> => {
      const name = randomUUID();
      const user = await server.createUser({ email: `susan.${name}@b\u00fccher.example` });
      const spellings = [
        user.email,
        `SUSAN.${name}@b\u00fccher.example`,
        `Susan.${name.toUpperCase()}@B\u00dcCHER.EXAMPLE`,
        `susan.${name}@xn--bcher-kva.example`,
        `susan.${name}@XN--BCHER-KVA.EXAMPLE`,
      ];
      return { user, spellings, typed: [...spellings, ...spellings.map((email) => ` \t${email}  `)] };
    };

    it('of failed sign-ins', async () => {
      const { spellings, typed } = await aliased();
      const [source, looked] = [anySource(), comparisons()];
      for (const email of spellings) await login(email, WRONG, source).expect(401);
      for (const email of typed) expect((await loginByPage(email, WRONG, source)).status).toBe(401);
      expect(looked()).toBe(10);
      for (const email of spellings) await login(email, PASSWORD, source).expect(401);
      for (const email of typed) expect((await loginByPage(email, PASSWORD, source)).status).toBe(401);
    });

    it('of mails', async () => {
      const { user, spellings, typed } = await aliased();
      server.app.get(PasswordResetOptions).mailsPerHour = 3;
      const registration = { username: 'Susan', password: NEW_PASSWORD };
      const mails = await mailsCausedBy(server, async () => {
        for (const email of spellings) {
          await server.ask(email).expect(202);
          await postJson(server, '/api/users', JSON.stringify({ email, ...registration })).expect(202);
        }
        for (const email of typed)
          expect((await submit(visitor, '/reset_password_request', { email })).status).toBe(303);
      });
      const subjects = mails.map(({ envelope, subject }) => `${envelope.to.join()}: ${subject}`).sort();
      expect(subjects).toEqual([
        // As the catching mail server reads the A-labels.
        ...times(
          3,
          () => `${user.email.replace('xn--bcher-kva', 'b\u00fccher')}: [Latchkey] Reset Your Password`,
        ),
        `${user.email.replace('xn--bcher-kva', 'b\u00fccher')}: [Latchkey] You Already Have an Account`,
      ]);
    });
  });

  it('A56 own success clears the limit: one guess after each sign-in to an own account counts on', async () => {
    server.app.get(AuthOptions).failuresPerSource = 6;
    const [own, source] = [await server.createUser(), anySource()];
    const statuses = [];
    for (let n = 0; n < 9; n++) {
      const browser = server.browser();
      await browser.get('/login').expect(200);
      await submit(browser, '/login', { email: own.email, password: PASSWORD }, { headers: from(source) });
      const { body } = await login(own.email, PASSWORD, source);
      if (body.accessToken)
        await server.http
          .post('/api/auth/logout')
          .set({ ...from(source), Authorization: `Bearer ${body.accessToken}` })
          .expect(204);
      statuses.push((await login(someAddress(), WRONG, source)).status);
    }
    expect(statuses).toEqual([...times(6, () => 401), ...times(3, () => 429)]);
  });

  describe('A57 limiter race: of many tries at the same moment no more count than the limit allows', () => {
    it('passwords, by every road', async () => {
      const [user, source] = [await server.createUser(), anySource()];
      const accessToken = await server.accessTokenFor(user);
      await submit(visitor, '/login', { email: someAddress(), password: WRONG });
      const looked = comparisons();
      const answers = await Promise.all(
        times(80, (n) => (n % 4 ? login(user.email, WRONG, source) : loginByPage(user.email, WRONG, source))),
      );
      expect(statusesOf(answers, 401)).toBe(80);
      expect(looked()).toBe(10);
      const change = (currentPassword: string) => {
        const body = JSON.stringify({ currentPassword, password: NEW_PASSWORD });
        return postJson(server, '/api/users/me/password', body, accessToken).set(from(source));
      };
      const changes = await Promise.all(times(20, () => change(WRONG)));
      expect(statusesOf(changes, 403)).toBe(20);
      await change(PASSWORD).expect(403);
    });

    it('requests of one source', async () => {
      server.app.get(LimitsOptions).perMinute = 7;
      const source = anySource();
      const answers = await Promise.all(times(100, () => server.ask(someAddress()).set(from(source))));
      expect([statusesOf(answers, 202), statusesOf(answers, 429)]).toEqual([7, 93]);
    });

    it('mails to one mailbox', async () => {
      server.app.get(PasswordResetOptions).mailsPerHour = 3;
      const { email } = await server.createUser();
      const mails = await mailsCausedBy(server, () =>
        Promise.all(times(25, () => server.ask(email).expect(202))),
      );
      expect(mails.map(({ envelope }) => envelope.to)).toEqual(times(3, () => [email]));
    });
  });

  describe('A58 lockout as a weapon: the owner always gets in', () => {
    it('after strangers have used up every limit of the account', async () => {
      const owner = await server.createUser();
      const session = await server.accessTokenFor(owner);
      server.app.get(AuthOptions).failuresPerAccount = 30;
      server.app.get(PasswordResetOptions).mailsPerHour = 2;
      await guess(50, owner.email, (n) => `10.9.${Math.floor(n / 10)}.9`);
      await login(owner.email, PASSWORD, anySource()).expect(401);
      const mails = await mailsCausedBy(server, async () => {
        for (let n = 0; n < 5; n++) await server.ask(owner.email).set(from(anySource())).expect(202);
      });
      await server.me(session).expect(200);
      const [, token] = /reset_password\/([\w.-]+)/.exec(mails[0]!.text)!;
      await server.confirm(token!, NEW_PASSWORD).set(from('10.9.0.9')).expect(204);
      await login(owner.email, NEW_PASSWORD, '10.9.0.9').expect(200);
      await login(owner.email, NEW_PASSWORD, anySource()).expect(200);
    });

    it('though somebody calls themselves by their address', async () => {
      const owner = await server.createUser();
      await server.createUser({ username: owner.email, password: NEW_PASSWORD });
      await login(owner.email, NEW_PASSWORD, anySource()).expect(401);
      const { body } = await login(owner.email, PASSWORD, anySource()).expect(200);
      expect((await server.me(body.accessToken).expect(200)).body.id).toBe(owner.id);
      const mails = await mailsCausedBy(server, () => server.ask(owner.email).expect(202));
      expect(mails.map(({ envelope }) => envelope.to)).toEqual([[owner.email]]);
    });
  });

  /** An hour, less what the last round takes, in which strangers do to a mailbox all that anybody can. */
  const floodFor = async (rounds: number, email: string) => {
    const registration = { email, username: 'Susan', password: NEW_PASSWORD };
    for (let round = 0; round < rounds; round++) {
      const stranger = await server.accessTokenFor(await server.createUser());
      const wish = JSON.stringify({ email, currentPassword: PASSWORD });
      await Promise.all([
        ...times(3, () => server.ask(email).expect(202)),
        submit(visitor, '/reset_password_request', { email }),
        postJson(server, '/api/users', JSON.stringify(registration)).expect(202),
        postJson(server, '/api/users/me/email', wish, stranger).expect(202),
        server.login(email, WRONG).expect(401),
      ]);
      await server.idle();
      server.clock.advance(61);
    }
    server.clock.advance(-61 * rounds);
  };

  describe('A59 mail bombing: an hour of everything fills no mailbox', () => {
    it.each<[string, () => Promise<string>, Record<'reset' | 'change' | 'registration', string>]>([
      [
        'with an account',
        async () => (await server.createUser()).email,
        {
          reset: 'Reset Your Password',
          change: 'Somebody Asked for Your Email Address',
          registration: 'You Already Have an Account',
        },
      ],
      [
        'without one',
        () => Promise.resolve(someAddress()),
        {
          reset: 'Reset Your Password',
          change: 'Confirm Your New Email Address',
          registration: 'Confirm Your Email Address',
        },
      ],
    ])('of an address %s', async (known, make, subjects) => {
      Object.assign(server.app.get(PasswordResetOptions), { cooldownSeconds: 60, mailsPerHour: 2 });
      const email = await make();
      const mails = await mailsCausedBy(server, () => floodFor(7, email));
      const received = mails.filter(({ envelope }) => envelope.to.includes(email));
      const [resets, changes, registrations] = Object.values(subjects).map(
        (wanted) => received.filter(({ subject }) => subject === `[Latchkey] ${wanted}`).length,
      );
      // Registrations wait for changes of address as well: where two of these come first, no registration leaves in this time.
      expect([1, 2]).toContain(changes);
      expect([0, 1, 2]).toContain(registrations);
      // A registration makes an account that nobody has proven to have; its address may request, too.
      const hasAccount = known === 'with an account' || registrations! > 0;
      expect(hasAccount ? [1, 2] : [0]).toContain(resets);
      expect(received).toHaveLength(resets! + changes! + registrations!);
    });
  });

  it('A60 spam kills the link of the victim: the first one lives through a flood', async () => {
    Object.assign(server.app.get(PasswordResetOptions), { cooldownSeconds: 60, mailsPerHour: 5 });
    const victim = await server.createUser();
    const first = await server.tokenFor(victim);
    await floodFor(4, victim.email);
    await Promise.all(times(20, () => server.confirm(`${first}x`, NEW_PASSWORD).expect(400)));
    await server.confirm(first, NEW_PASSWORD).expect(204);
    await server.login(victim.email, NEW_PASSWORD).expect(200);
  });

  /** Every form and every JSON that a password is typed into. */
  interface PasswordDoor {
    path: string;
    others: Record<string, string>;
    /** Whether a browser that is signed in is needed. */
    inside?: true;
    fields: string[];
  }
  const REST_DOORS = (token: string): PasswordDoor[] => [
    { path: '/api/auth/login', others: { email: someAddress() }, fields: ['password'] },
    { path: '/api/users', others: { email: someAddress(), username: 'Susan' }, fields: ['password'] },
    { path: '/api/password-reset/confirm', others: { token }, fields: ['password'] },
    {
      path: '/api/users/me/password',
      others: { currentPassword: PASSWORD, password: NEW_PASSWORD },
      fields: ['currentPassword', 'password'],
      inside: true,
    },
    {
      path: '/api/users/me/email',
      others: { email: someAddress(), currentPassword: PASSWORD },
      fields: ['currentPassword'],
      inside: true,
    },
  ];
  const PAGE_DOORS = (token: string): PasswordDoor[] => [
    { path: '/login', others: { email: someAddress() }, fields: ['password'] },
    {
      path: '/register',
      others: { email: someAddress(), username: 'Susan' },
      fields: ['password', 'password2'],
    },
    { path: `/reset_password/${token}`, others: {}, fields: ['password', 'password2'] },
    {
      path: '/change_password',
      others: { currentPassword: PASSWORD },
      fields: ['password', 'password2'],
      inside: true,
    },
    { path: '/change_email', others: { email: someAddress() }, fields: ['currentPassword'], inside: true },
  ];

  describe('passwords that are no passwords', () => {
    let user: User;
    let token: string;
    let accessToken: string;
    let insider: Browser;

    beforeAll(async () => {
      user = await server.createUser();
      token = await server.tokenFor(user);
      accessToken = await server.accessTokenFor(user);
      insider = server.browser();
      await signIn(insider, user.email, PASSWORD);
    });

    /** @param json how the password is written */
    const byRest = ({ path, others, fields }: PasswordDoor, json: string) => {
      const marked = { ...others, ...Object.fromEntries(fields.map((field) => [field, 'MARK'])) };
      return postJson(
        server,
        path,
        JSON.stringify(marked).replaceAll('"MARK"', () => json),
        accessToken,
      );
    };
    /** @param written how the password is written in the form */
    const byPage = async ({ path, others, fields, inside }: PasswordDoor, written: string) => {
      const browser = inside ? insider : visitor;
      const { text } = await browser.get(inside ? path : '/login').expect(200);
      const form = new URLSearchParams({ ...others, _csrf: csrfOf(text) }).toString();
      return browser
        .post(path)
        .type('form')
        .send([form, ...fields.map((field) => `${field}=${written}`)].join('&'));
    };
    const everywhere = async (json: string, written: string, statuses: number[]) => {
      for (const door of REST_DOORS(token)) {
        const { status } = await byRest(door, json);
        expect({ door: door.path, status, ok: statuses.includes(status) }).toMatchObject({ ok: true });
      }
      for (const door of PAGE_DOORS(token)) {
        const { status } = await byPage(door, written);
        expect({ door: door.path, status, ok: statuses.includes(status) }).toMatchObject({ ok: true });
      }
    };
    /** Runs it, and counts the hashes that are computed meanwhile. */
    const hashesOf = async (act: () => Promise<unknown>): Promise<number> => {
      const spies = [jest.spyOn(bcrypt, 'hash'), jest.spyOn(bcrypt, 'compare')];
      await act();
      return spies.reduce((sum, { mock }) => sum + mock.calls.length, 0);
    };

    describe('A61 long password CPU: what is too long is never hashed', () => {
      it('of 100 KiB, at every door', async () => {
        const long = 'x'.repeat(100 * 1024);
        const hashes = await hashesOf(() =>
          expectNoEffect(server, () => everywhere(JSON.stringify(long), long, [413])),
        );
        expect(hashes).toBe(0);
      });

      it.each([1, 10])('of %d MiB, in one piece and in chunks', async (mebibytes) => {
        const size = mebibytes * 2 ** 20;
        const body = JSON.stringify({ email: user.email, password: 'x'.repeat(size) });
        const head = 'POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n';
        const hashes = await hashesOf(async () => {
          for (const rest of [
            `Content-Length: ${body.length}\r\n\r\n${body}`,
            `Transfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
          ])
            // Or hung up on, before the answer could be read.
            expect(await writeToSocket(server.url, head + rest)).toMatch(/^(HTTP\/1\.1 413 |$)/);
        });
        expect(hashes).toBe(0);
        await server.me(accessToken).expect(200);
      });

      it('of 60 KiB as a new one, and as the present one at the price of any other', async () => {
        const long = '\u4e00'.repeat(20 * 1024);
        for (const door of REST_DOORS(token).filter(({ path }) => /users$|confirm$/.test(path))) {
          expect(await hashesOf(() => byRest(door, JSON.stringify(long)).expect(422))).toBe(0);
        }
        jest.restoreAllMocks();
        expect(await hashesOf(() => login(user.email, long, anySource()).expect(401))).toBe(1);
      });
    });

    describe('A63 bcrypt 72 bytes: no password is right but the whole one', () => {
      it.each([
        ['ASCII', `${'long and longer '.repeat(5)}and the end`],
        [
          'three bytes a character',
          [...'這是一個只有我才知道的很長的句子而且它還要更長一些才行呢對吧'].join(''),
        ],
        ['a character across the border', `${'staple battery horse '.repeat(3)}12345678\u00fc and the end`],
      ])('%s', async (_, password) => {
        const owner = await server.createUser();
        await server.confirm(await server.tokenFor(owner), password).expect(204);
        const bytes = Buffer.from(password);
        expect(bytes.length).toBeGreaterThan(72);
        const twins = [
          bytes
            .subarray(0, 72)
            .toString()
            .replace(/\ufffd/g, ''),
          `${password}x`,
          password.slice(0, -1),
          `${password.slice(0, -1)}!`,
          password.repeat(2),
        ];
        for (const twin of twins) await login(owner.email, twin, anySource()).expect(401);
        await login(owner.email, password, anySource()).expect(200);
      });
    });

    describe('A64 NUL and surrogates: what cuts a password off, or has no bytes, is none', () => {
      it.each([
        ['NUL', '\\u0000', '%00'],
        ['a replacement character', '\\ufffd', '%EF%BF%BD'],
      ])('%s', async (_, escape, encoded) => {
        const hashes = await hashesOf(() =>
          expectNoEffect(server, () =>
            everywhere(`"${PASSWORD}${escape} and more"`, `${asForm(PASSWORD)}${encoded}+and+more`, [400]),
          ),
        );
        expect(hashes).toBe(0);
        await postJson(server, '/api/auth/login', credentials(escape)).expect(400);
      });

      it.each(['\\ud800', '\\udc00', '\\udc00\\ud800'])('a surrogate alone: %s', async (escape) => {
        await expectNoEffect(server, async () => {
          for (const door of REST_DOORS(token)) await byRest(door, `"${PASSWORD}${escape}"`).expect(400);
        });
        await postJson(server, '/api/auth/login', credentials(escape)).expect(400);
      });

      it.each([
        ['a surrogate', [0xed, 0xa0, 0x80]],
        ['an overlong NUL', [0xc0, 0x80]],
        ['half a character', [0xe4, 0xb8]],
        ['what is no byte of any', [0xff]],
      ])('%s, in bytes', async (_, bytes) => {
        const typed = Buffer.from(credentials(String.fromCharCode(...bytes)), 'latin1');
        const headers = { 'Content-Type': 'application/json' };
        const answer = await sendAsIs(server.url, '/api/auth/login', {
          method: 'POST',
          headers,
          body: typed,
        });
        expect(answer.status).toBe(400);

        const written = bytes.map((byte) => `%${byte.toString(16)}`).join('');
        const door = { path: '/login', others: { email: user.email }, fields: ['password'] };
        expect([400, 401]).toContain((await byPage(door, `${asForm(PASSWORD)}${written}`)).status);
      });
    });

    const asForm = (text: string) => text.replaceAll(' ', '+');
    /** JSON, with the right password and something at its end. */
    const credentials = (end: string) => `{"email":"${user.email}","password":"${PASSWORD}${end}"}`;
  });

  describe('A62 parser exhaustion: no shape of a request costs more than its bytes', () => {
    const FULL = 60 * 1024;
    const plain = `{"email":"${'x'.repeat(FULL)}"}`;
    const filled = (piece: string) => piece.repeat(Math.floor(FULL / piece.length));

    it.each([
      ['nested lists', filled('[')],
      ['nested lists, closed', `${'['.repeat(FULL / 2)}${']'.repeat(FULL / 2)}`],
      ['nested objects', `{"email":${'{"a":'.repeat(10_000)}1${'}'.repeat(10_001)}`],
      ['many fields', `{${times(7000, (n) => `"${n.toString(36)}":1`).join()}}`],
      ['one field again and again', `{${times(5000, () => '"email":1').join()}}`],
      ['a long number', `{"email":${'9'.repeat(FULL)}}`],
      ['a list of many', `{"email":[${times(20_000, () => 1).join()}]}`],
      ['an address of many dots', `{"email":"${'a.'.repeat(FULL / 3)}@example.com"}`],
      ['an address of many labels', `{"email":"a@${'a.'.repeat(FULL / 3)}com"}`],
      ['escapes', `{"email":"${filled('\\u0061')}@example.com"}`],
    ])('JSON: %s', async (_, json) => {
      await expectNoEffect(server, async () => {
        const answer = await postJson(server, '/api/password-reset', json).expect(400);
        expect(answer.text.length).toBeLessThan(2000);
      });
      const calls = await callsDuring(() => postJson(server, '/api/password-reset', json).expect(400));
      expect(calls).toBeLessThan(FULL);
    });

    it.each([
      ['brackets', `email${filled('[a]')}=x`],
      ['many brackets', filled('email[]=x&')],
      ['sparse lists', times(2000, (n) => `email[${n * 1_000_000}]=x`).join('&')],
      ['many fields', times(8000, (n) => `f${n}=1`).join('&')],
      ['separators', filled('&')],
      ['broken escapes', `email=${filled('%')}`],
      ['plus signs', `email=${filled('+')}`],
    ])('a form: %s', async (_, form) => {
      await expectNoEffect(server, async () => {
        const { text } = await visitor.get('/login').expect(200);
        const csrf = new URLSearchParams({ _csrf: csrfOf(text) }).toString();
        const request = visitor.post('/reset_password_request').type('form');
        expect((await request.send(`${csrf}&${form}`)).status).toBe(400);
      });
    });

    it.each([
      ['brackets', `?${'a[a]'.repeat(3000)}=x`],
      ['many brackets', `?${'a[]=x&'.repeat(2000)}`],
      ['broken escapes', `?a=${'%'.repeat(12_000)}`],
    ])('a query: %s', async (_, query) => {
      expect((await sendAsIs(server.url, `/login${query}`)).status).toBe(200);
      expect((await sendAsIs(server.url, `/api/users/me${query}`)).status).toBe(401);
    });

    it('headers: many, long, and cookies', async () => {
      for (const headers of [
        { Cookie: 'a=b; '.repeat(2500) },
        { Cookie: `latchkey=${'x'.repeat(12_000)}` },
        { 'Accept-Language': 'en;q=0.1,'.repeat(1000) },
        { Authorization: `Bearer ${'x.'.repeat(6000)}` },
        { 'X-Forwarded-For': '1.1.1.1,'.repeat(1500) },
        { 'Content-Type': `application/json${';a=b'.repeat(3000)}` },
      ] as Record<string, string>[]) {
        expect((await sendAsIs(server.url, '/login', { headers })).status).toBe(200);
        expect((await sendAsIs(server.url, '/api/users/me', { headers })).status).toBe(401);
      }
      const tooMuch = { 'X-Long': 'x'.repeat(20_000) };
      expect((await sendAsIs(server.url, '/login', { headers: tooMuch })).status).toBe(431);
    });

    it('and nothing of it stays in memory', async () => {
      const flood = () =>
        Promise.all(times(50, () => postJson(server, '/api/password-reset', plain).expect(400)));
      for (let n = 0; n < 2; n++) await flood();
      const before = memoryInUse();
      for (let n = 0; n < 4; n++) await flood();
      // Of 12 MB that were sent.
      expect(memoryInUse() - before).toBeLessThan((4 * 50 * FULL) / 3);
    }, 60_000);
  });
});
