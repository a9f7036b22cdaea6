import bcrypt from 'bcrypt';
import { randomInt, randomUUID } from 'node:crypto';
import type { Response } from 'supertest';
import { AccountOptions } from '../../src/account';
import { AuthOptions } from '../../src/auth';
import { LimitsOptions } from '../../src/limits';
import { UsersOptions, UserStore } from '../../src/users';
import { until } from '../support/mail-reader';
import { SmtpWire } from '../support/smtp-wire';
import { PASSWORD, TestApp } from '../support/test-app';
import { LINK_KINDS, LinkKind, spend, useLink } from './links';
import {
  allMails,
  Browser,
  comparable,
  mailsCausedBy,
  NEW_PASSWORD,
  postJson,
  signIn,
  startTarget,
  submit,
} from './support';

const WRONG = 'a wrong password';

/** All of the same length, so that answers that repeat them are too. */
const someAddress = () => `${randomUUID()}@example.com`;
const anySource = () => `10.${randomInt(256)}.${randomInt(256)}.${randomInt(256)}`;

/** Every kind of account that a stranger could want to tell from none. */
const CLASSES: Record<string, (server: TestApp) => Promise<string>> = {
  unknown: () => Promise.resolve(someAddress()),
  known: async (server) => (await server.createUser()).email,
  disabled: (server) => userWith(server, 'disabled_at = now()'),
  unverified: (server) => userWith(server, 'unverified_since = now()'),
  'without a password': (server) => userWith(server, `password_hash = '!'`),
  deleted: async (server) => {
    const { id, email } = await server.createUser();
    await server.database.query('DELETE FROM latchkey.users WHERE id = $1', [id]);
    return email;
  },
};

async function userWith(server: TestApp, assignment: string): Promise<string> {
  const { id, email } = await server.createUser();
  await server.database.query(`UPDATE latchkey.users SET ${assignment} WHERE id = $1`, [id]);
  return email;
}

/** Somebody who asks: with a browser of each kind, from one source. */
interface Stranger {
  visitor: Browser;
  insider: Browser;
  accessToken: string;
  source: string;
}

async function stranger(server: TestApp): Promise<Stranger> {
  const [user, insider] = [await server.createUser(), server.browser()];
  await signIn(insider, user.email, PASSWORD);
  const visitor = server.browser();
  // The first page that a browser opens brings a cookie.
  await visitor.get('/login');
  return {
    visitor,
    insider,
    accessToken: await server.accessTokenFor(user),
    source: anySource(),
  };
}

type Door = (server: TestApp, stranger: Stranger, email: string) => Promise<Response>;

const rest =
  (path: string, others: object = {}): Door =>
  async (server, { accessToken, source }, email) =>
    postJson(server, path, JSON.stringify({ ...others, email }), accessToken).set('X-Forwarded-For', source);

const page =
  (path: string, others: Record<string, string> = {}, formOf?: string): Door =>
  async (_, { visitor, insider, source }, email) =>
    submit(
      formOf ? insider : visitor,
      path,
      { ...others, email },
      { formOf, headers: { 'X-Forwarded-For': source } },
    );

const REGISTRATION = { username: 'Susan', password: NEW_PASSWORD };
const CURRENT = { currentPassword: PASSWORD };

/** What mails somebody, or does not. */
const ASKS: [string, Door][] = [
  ['POST /api/password-reset', rest('/api/password-reset')],
  ['POST /api/users', rest('/api/users', REGISTRATION)],
  ['POST /api/users/me/email', rest('/api/users/me/email', CURRENT)],
  ['POST /reset_password_request', page('/reset_password_request')],
  ['POST /register', page('/register', { ...REGISTRATION, password2: NEW_PASSWORD })],
  ['POST /change_email', page('/change_email', CURRENT, '/change_email')],
];
const LOGINS: [string, Door][] = [
  ['POST /api/auth/login', rest('/api/auth/login', { password: WRONG })],
  ['POST /login', page('/login', { password: WRONG })],
];
/** What is refused before anybody is asked about. */
const SLIPS: [string, Door][] = [
  ['POST /api/users, too short', rest('/api/users', { ...REGISTRATION, password: 'short' })],
  ['POST /api/users, without a name', rest('/api/users', { password: NEW_PASSWORD })],
  ['POST /register, two passwords', page('/register', { ...REGISTRATION, password2: WRONG })],
  ['POST /api/users/me/email, wrong password', rest('/api/users/me/email', { currentPassword: WRONG })],
];

/** All of an answer that could tell something: without what is new in each, and the address itself. */
function seen(answer: Response, email: string): string {
  return JSON.stringify(comparable(answer))
    .replaceAll(email, 'THE ADDRESS')
    .replace(/name=\\"_csrf\\" value=\\"[^"]+"/g, '')
    .replace(/("retry-after":)"\d+"/, '$1"some"');
}

describe('enumeration', () => {
  describe('in the request alone', () => {
    let server: TestApp;
    let asker: Stranger;

    beforeAll(async () => {
      server = await TestApp.start({ settings: { role: 'web', trustProxy: 1 } });
      server.app.get(AccountOptions).changesPerHour = 0;
    });
    afterAll(() => server.stop());
    afterEach(() => jest.restoreAllMocks());

    beforeEach(async () => {
      asker = await stranger(server);
    });

    describe('A46 by text, status or code: every answer is the same for every account', () => {
      it.each([...ASKS, ...LOGINS, ...SLIPS])('%s', async (path, door) => {
        const answers: Record<string, string[]> = {};
        for (const [name, make] of Object.entries(CLASSES)) {
          const email = await make(server);
          answers[name] = [seen(await door(server, asker, email), email)];
          if (path.includes('/api/')) continue;
          // What a form leaves is shown by the page that comes next.
          for (const next of [asker.visitor.get('/login'), asker.insider.get('/account')])
            answers[name].push(seen(await next, email));
        }
        for (const name of Object.keys(CLASSES)) expect(answers[name]).toEqual(answers['unknown']);
      });

      it.each(['POST /api/auth/login', 'POST /login'])('%s, with the right password', async (name) => {
        const others = { password: PASSWORD };
        const door = name.includes('api') ? rest('/api/auth/login', others) : page('/login', others);
        const answers: string[] = [];
        for (const [account, make] of Object.entries(CLASSES)) {
          if (account === 'known') continue;
          const email = await make(server);
          answers.push(seen(await door(server, asker, email), email));
        }
        expect(new Set(answers).size).toBe(1);
        expect(answers[0]).toContain('"status":401');
      });
    });

    /** What a request costs: statements, hashes in units of their cost, and looks at accounts. */
    const workOf = async (act: () => Promise<unknown>) => {
      const log = jest.spyOn(server.database.logger, 'logQuery');
      const [hash, compare] = [jest.spyOn(bcrypt, 'hash'), jest.spyOn(bcrypt, 'compare')];
      const find = jest.spyOn(server.app.get(UserStore), 'findByEmailKey');
      await act();
      const costs = [
        ...hash.mock.calls.map(([, cost]) => Number(cost)),
        ...compare.mock.calls.map(([, stored]) => Number(/\$2[ab]\$(\d\d)\$/.exec(stored)![1])),
      ];
      const work = {
        // The audit trail has a rhythm of its own.
        statements: log.mock.calls.map(([text]) => text).filter((text) => !text.includes('audit_events')),
        hashing: costs.reduce((sum, cost) => sum + 2 ** cost, 0),
        looks: find.mock.calls.length,
      };
      jest.restoreAllMocks();
      return work;
    };

    describe('A48 by time on recovery: the same work for every account, and none of it asks for one', () => {
      it.each(ASKS)('%s', async (_, door) => {
        // The first form of a browser costs one page more.
        await door(server, asker, someAddress());
        const expected = await workOf(() => door(server, asker, someAddress()));
        expect([expected.statements.length > 0, expected.looks]).toEqual([true, 0]);
        for (const make of Object.values(CLASSES)) {
          const email = await make(server);
          expect(await workOf(() => door(server, asker, email))).toEqual(expected);
        }
      });
    });

    describe('A49 by time on login: a wrong password costs one hash, whatever is wrong', () => {
      const COST = 6;
      const CHEAP = bcrypt.hashSync('x', 4);
      const ACCOUNTS: typeof CLASSES = {
        ...CLASSES,
        'with a cheaper hash': (target) => userWith(target, `password_hash = '$hmac-sha384$none${CHEAP}'`),
        'of another system': (target) => userWith(target, `password_hash = '${CHEAP}'`),
        'with the hash of a pepper that is gone': (target) =>
          userWith(target, `password_hash = '$hmac-sha384$00000000${CHEAP}'`),
        'with something else': (target) => userWith(target, `password_hash = 'md5'`),
      };

      beforeAll(() => (server.app.get(UsersOptions).bcryptCost = COST));
      afterAll(() => (server.app.get(UsersOptions).bcryptCost = 4));

      it.each<[string, string, number?]>([
        ['wrong', WRONG],
        ['empty', ''],
        ['of 60 KiB', 'x'.repeat(60 * 1024)],
        ['of 72 bytes', 'x'.repeat(72)],
        ['of two spellings', 'jose\u0301 and a long one', 2],
      ])('%s', async (_, password, hashes = 1) => {
        const login = rest('/api/auth/login', { password });
        const work: Record<string, unknown> = {};
        for (const [name, make] of Object.entries(ACCOUNTS)) {
          const email = await make(server);
          work[name] = await workOf(() => login(server, asker, email));
        }
        expect(work['unknown']).toMatchObject({ hashing: hashes * 2 ** COST });
        for (const name of Object.keys(ACCOUNTS))
          expect({ [name]: work[name] }).toEqual({ [name]: work['unknown'] });
      });

      it('for what is no address, and for an account that is locked', async () => {
        const { email } = await server.createUser();
        server.app.get(AuthOptions).failuresPerAccountAndSource = 2;
        const login = page('/login', { password: PASSWORD });
        for (const typed of [email, 'no address at all', '', email]) {
          const guess = page('/login', { password: typed === email ? WRONG : PASSWORD });
          expect((await workOf(() => guess(server, asker, typed))).hashing).toBe(2 ** COST);
        }
        const { hashing } = await workOf(async () => {
          expect((await login(server, asker, email)).status).toBe(401);
        });
        expect(hashing).toBe(2 ** COST);
        server.app.get(AuthOptions).failuresPerAccountAndSource = 10;
      });
    });

    describe('A51 by rate-limit behavior: a burst sees the same for every account', () => {
      beforeEach(() => {
        server.app.get(LimitsOptions).perMinute = 5;
        server.app.get(AuthOptions).failuresPerSource = 3;
      });
      afterEach(() => {
        server.app.get(LimitsOptions).perMinute = 0;
        server.app.get(AuthOptions).failuresPerSource = 0;
      });

      it.each([...ASKS, ...LOGINS, ...SLIPS.slice(-1)])('%s', async (_, door) => {
        const bursts: string[][] = [];
        for (const account of ['unknown', 'known', 'disabled']) {
          const [email, someone] = [await CLASSES[account]!(server), { ...asker, source: anySource() }];
          const burst = [];
          for (let n = 0; n < 7; n++) burst.push(seen(await door(server, someone, email), email));
          bursts.push(burst);
        }
        for (const burst of bursts) expect(burst).toEqual(bursts[0]);
        expect(bursts[0]!.some((answer) => answer.includes('"status":429'))).toBe(true);
      });
    });
  });

  describe('A47 by mail failure: the answer is there before the mail', () => {
    const wire = new SmtpWire();
    let server: TestApp;

    beforeAll(async () => {
      const mail = { mailServer: '127.0.0.1', mailPort: await wire.start(), mailUseTls: false };
      server = await startTarget({ settings: mail });
    });
    afterAll(async () => {
      await wire.stop();
      await server.stop();
    });

    it.each([
      ['refuses for good', '554 no'],
      ['refuses for now', '421 later'],
      ['never says a word', undefined],
      ['speaks no SMTP', 'HTTP/1.1 400 Bad Request'],
    ])('where the mail server %s', async (_, greeting) => {
      Object.assign(wire, { greeting });
      wire.forget();
      // Connections are kept open and used again.
      wire.hangUp();
      const asker = await stranger(server);
      for (const [, door] of ASKS) {
        const [known, unknown] = [await CLASSES['known']!(server), someAddress()];
        const answer = await door(server, asker, known);
        expect([202, 303]).toContain(answer.status);
        expect(seen(answer, known)).toBe(seen(await door(server, asker, unknown), unknown));
      }
      await until(() => wire.connections > 0, 'a try to mail');
      wire.hangUp();
    });
  });

  describe('A50 detail in the reset flow: no step tells whose link it is', () => {
    let server: TestApp;

    beforeAll(async () => {
      server = await startTarget();
    });
    afterAll(() => server.stop());

    /** Everything that the routes and the page of a kind of link answer to a token, and the page after it. */
    const answersTo = async (kind: LinkKind, token: string): Promise<string> => {
      const browser = server.browser();
      const answers = [await browser.get(`/${kind.page}/${token}`), await browser.get('/login')];
      answers.push(await submit(browser, `/${kind.page}/${token}`, kind.form), await browser.get('/login'));
      for (const route of kind.routes) answers.push(await useLink(server, route, token));
      return JSON.stringify(answers.map(({ status, headers, text }) => [status, headers, text]));
    };
    const expectNothingAbout = async (answers: string, token: string) => {
      const { to } = allMails(server).find(({ text }) => text.includes(token))!.envelope;
      const [user] = await server.database.query<{ id: string; username: string }[]>(
        'SELECT id, username FROM latchkey.users WHERE email = $1',
        [to[0]],
      );
      const personal = [...to, to[0]!.split('@')[0]!, ...(user ? [user.id, user.username] : [])];
      for (const detail of personal) expect(answers).not.toContain(detail);
    };

    it.each(LINK_KINDS.map((kind) => [kind.name, kind] as const))('a dead %s', async (_, kind) => {
      const { token: spent } = await kind.mail(server);
      await spend(server, kind, spent).expect(204);
      const { token: live } = await kind.mail(server);
      const [head, claims, signature] = live.split('.');
      const forged = [head, claims, [...signature!].reverse().join('')].join('.');
      for (const token of [spent, forged])
        await expectNothingAbout(await answersTo(kind, token), token === spent ? spent : live);
      server.clock.advance(8 * 86_400);
      await expectNothingAbout(await answersTo(kind, live), live);
      server.clock.advance(-8 * 86_400);
    });

    it('nor does a live one, where a new password is set or all is stopped', async () => {
      for (const kind of LINK_KINDS.filter(({ page }) => /reset_password|not_me/.test(page))) {
        const { token } = await kind.mail(server);
        // But for the field that tells password managers whose password it is: who set one would sign in with the address.
        const answers = await answersTo(kind, token);
        const field = /<input type=\\"email\\"[^>]*autocomplete=\\"username\\"[^>]*hidden[^>]*>/g;
        await expectNothingAbout(answers.replace(field, ''), token);
      }
    });

    it('nor does the answer to an ask', async () => {
      const { email, id } = await server.createUser();
      const asker = await stranger(server);
      await mailsCausedBy(server, async () => {
        for (const [, door] of ASKS) {
          const { headers, text } = await door(server, asker, email);
          for (const detail of ['Susan', email, id])
            expect(JSON.stringify([headers, text])).not.toContain(detail);
        }
      });
    });
  });
});
