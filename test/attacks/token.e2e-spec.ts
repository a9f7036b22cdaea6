import { Logger } from '@nestjs/common';
import type { JwtService } from '@nestjs/jwt';
import crypto, { createHash, generateKeyPairSync, sign as signWith } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FindOptionsWhere, QueryFailedError } from 'typeorm';
import { Keyring } from '../../src/common';
import { SignedTokens } from '../../src/links';
import { readSettings } from '../../src/server/settings';
import { Housekeeping } from '../../src/jobs';
import { REPEATED_CONFIRMATIONS } from '../../src/limits';
import { User, UsersService, UserStore } from '../../src/users';
import { clockOfATest } from '../support/clock-of-a-test';
import { forgeJwt, readJwt } from '../support/jwt';
import { sendAsIs } from '../support/raw-request';
import { PASSWORD, TestApp } from '../support/test-app';
import {
  changeAddress,
  CONFIRM_EMAIL,
  LINK_KINDS,
  LinkKind,
  MailedLink,
  register,
  someAddress,
  spend,
  TOKEN_ROUTES,
  useLink,
} from './links';
import {
  Browser,
  csrfOf,
  expectNoEffect,
  linkedToken,
  mailsCausedBy,
  NEW_PASSWORD,
  postJson,
  signIn,
  startTarget,
  submit,
} from './support';

const SECRET = 'Ys8Kq3Vn6Tb1Xe4Rm9Gd2Hw7Lc5Jz0Pf-test';
const LINKS = LINK_KINDS.map((kind) => [kind.name, kind] as const);
const ROUTES = TOKEN_ROUTES.map((route) => [route.path, route] as const);
const [RESET] = LINK_KINDS as [LinkKind];

describe('the token', () => {
  let server: TestApp;
  let visitor: Browser;
  /** A live link of each kind, which no attack may spend. */
  const live = new Map<LinkKind, MailedLink>();

  const advance = clockOfATest(() => server);
  /** Something is not done, nobody's link is spent by it, and the answer blames the caller. */
  const expectRefused = (attack: () => Promise<{ status: number }>) =>
    expectNoEffect(server, async () => {
      const { status } = await attack();
      expect([400, 401, 403, 404, 410, 413, 415, 422]).toContain(status);
    });
  const passwordWorks = async ({ email }: User, password: string) =>
    (await server.login(email, password)).status === 200;

  beforeAll(async () => {
    server = await startTarget({ settings: { secretKey: SECRET } });
    visitor = server.browser();
  });
  afterAll(() => server.stop());

  beforeEach(async () => {
    for (const kind of LINK_KINDS) if (!live.has(kind)) live.set(kind, await kind.mail(server));
  });
  afterEach(() => jest.restoreAllMocks());

  /** Whatever was tried: the links that were live before still are. */
  const expectAllLive = async () => {
    for (const [{ page }, { token }] of live) await server.http.get(`/${page}/${token}`).expect(200);
  };

  describe('A15 null or blank token: matches nobody', () => {
    const BLANKS = [
      '""',
      '" "',
      'null',
      '{}',
      '[]',
      '"null"',
      '"undefined"',
      '"\\u0000"',
      '"00000000-0000-0000-0000-000000000000"',
    ];

    it.each(ROUTES)('at %s', async (_, { path, others }) => {
      await server.createUser();
      await expectNoEffect(server, async () => {
        await postJson(server, path, JSON.stringify(others)).expect(400);
        for (const blank of BLANKS)
          await postJson(
            server,
            path,
            JSON.stringify({ ...others, token: 0 }).replace('"token":0', `"token":${blank}`),
          ).expect(400);
      });
      await expectAllLive();
    });

    it.each(LINKS)('at the page of a %s', async (_, { page, form }) => {
      await server.createUser();
      await expectNoEffect(server, async () => {
        for (const blank of ['', '%20', '%00', 'null', 'undefined', '%5B%5D', '..', '%2e%2e', '0']) {
          const path = `/${page}/${blank}`;
          expect([303, 400, 404]).toContain((await server.http.get(path)).status);
          expect([303, 400, 404, 405]).toContain((await submit(visitor, path, form)).status);
        }
      });
      await expectAllLive();
    });

    it.each([
      '',
      'Bearer',
      'Bearer ',
      'Bearer null',
      'Bearer undefined',
      'Bearer ""',
      'Bearer 0',
      'Basic Og==',
      'null',
    ])('as the header "Authorization: %s"', async (header) => {
      const token = await server.accessTokenFor(await server.createUser());
      await server.me(token).expect(200);
      await server.http.get('/api/users/me').set('Authorization', header).expect(401);
    });

    it.each(['', 'null', 'undefined', '%00'])('as the session cookie "%s"', async (value) => {
      await server.accessTokenFor(await server.createUser());
      const page = await server.http.get('/account').set('Cookie', `latchkey=${value}`);
      expect([page.status, page.headers['location']]).toEqual([303, '/login']);
    });
  });

  describe('A16 TypeORM drops undefined filters: a missing value never means "any row"', () => {
    /** Every route that reads a body, with one that it takes. */
    const bodies = async (): Promise<[path: string, body: Record<string, string>][]> => [
      ...TOKEN_ROUTES.map(
        ({ path, others, kind }) =>
          [path, { ...others, token: live.get(kind)!.token }] as [string, Record<string, string>],
      ),
      ['/api/password-reset', { email: someAddress() }],
      ['/api/auth/login', { email: (await server.createUser()).email, password: PASSWORD }],
      ['/api/users', { email: someAddress(), username: 'Susan', password: NEW_PASSWORD }],
      ['/api/users/me/password', { currentPassword: PASSWORD, password: NEW_PASSWORD }],
      ['/api/users/me/email', { currentPassword: PASSWORD, email: someAddress() }],
    ];

    it('at every route, with each field missing or null', async () => {
      const accessToken = await server.accessTokenFor(await server.createUser());
      const all = await bodies();
      await expectNoEffect(server, async () => {
        for (const [path, body] of all)
          for (const field of Object.keys(body)) {
            const { [field]: _, ...rest } = body;
            for (const wrong of [rest, { ...rest, [field]: null }]) {
              const { status } = await postJson(server, path, JSON.stringify(wrong), accessToken);
              // An access token may stand in its place; a link alone is not enough.
              const optional = path === CONFIRM_EMAIL[0] && field === 'password';
              expect([path, field, status]).toEqual([path, field, optional ? 401 : 400]);
            }
          }
      });
    });

    it('in any table, for any verb', async () => {
      const { manager, entityMetadatas } = server.database;
      expect(entityMetadatas.length).toBeGreaterThanOrEqual(5);
      await expectNoEffect(server, async () => {
        for (const { target, primaryColumns } of entityMetadatas)
          for (const missing of [undefined, null]) {
            const where = { [primaryColumns[0]!.propertyName]: missing } as FindOptionsWhere<object>;
            for (const attempt of [
              () => manager.findOneBy(target, where),
              () => manager.update(target, where, {}),
              () => manager.delete(target, where),
            ])
              await expect(attempt()).rejects.toThrow(/undefined|null|empty/i);
          }
      });
    });

    it.each([undefined, null, '', 0, [], {}, '00000000-0000-0000-0000-000000000000'])(
      'in a genuine token without a record: %j',
      async (jti) => {
        await server.createUser();
        for (const [kind, { token }] of live) {
          const { header, claims } = readJwt(token);
          const { key } = server.app.get(Keyring).derive(String(claims['aud'])).current;
          const without = forgeJwt({ header, claims: { ...claims, jti }, key });
          const control = forgeJwt({ header, claims, key });
          await server.http.get(`/${kind.page}/${control}`).expect(200);
          for (const route of kind.routes) await expectRefused(() => useLink(server, route, without));
        }
      },
    );
  });

  describe('A17 type confusion: a token is one text', () => {
    it.each(ROUTES)('at %s', async (_, { path, others, kind }) => {
      const { token } = live.get(kind)!;
      await expectNoEffect(server, async () => {
        for (const value of [
          'true',
          'false',
          '0',
          '1',
          '-1',
          '1e0',
          '1e999',
          `["${token}"]`,
          `[["${token}"]]`,
          '["t"]',
          '{"t":1}',
          `{"token":"${token}"}`,
          `{"0":"${token}"}`,
          `{"toString":"${token}","length":1}`,
        ]) {
          const body = JSON.stringify({ ...others, token: 0 }).replace('"token":0', `"token":${value}`);
          await postJson(server, path, body).expect(400);
        }
      });
      await expectAllLive();
    });
  });

  describe('A18 operator injection: nothing in a field is an operator', () => {
    const OPERATORS = [
      '{"$ne":null}',
      '{"$gt":""}',
      '{"$regex":".*"}',
      '{"$in":["a"]}',
      '{"$where":"1"}',
      '{"not":null}',
      '{"_type":"not","_value":null,"_useParameter":true,"_multipleParameters":false}',
      '{"@instanceof":"FindOperator","_type":"moreThan","_value":""}',
      '{"type":"raw","value":"true"}',
    ];

    it.each([
      ...ROUTES.map(([path, { others }]) => [path, 'token', others] as const),
      ['/api/auth/login', 'password', { email: 'susan@example.com' }] as const,
      ['/api/auth/login', 'email', { password: PASSWORD }] as const,
      ['/api/password-reset', 'email', {}] as const,
    ])('at %s, field %s', async (path, field, others) => {
      await expectNoEffect(server, async () => {
        for (const operator of OPERATORS) {
          const body = JSON.stringify({ ...others, [field]: 0 }).replace(
            `"${field}":0`,
            `"${field}":${operator}`,
          );
          await postJson(server, path, body).expect(400);
          const bracketed = `${path}?${field}[$ne]=x`;
          await postJson(server, bracketed, JSON.stringify({ ...others, [`${field}[$ne]`]: '' })).expect(400);
        }
      });
    });

    it.each(['[$ne]', '[$gt]', '[]', '[0]', '[not]', '.$ne'])(
      'in a form, as "password%s"',
      async (operator) => {
        const { email } = await server.createUser();
        await expectNoEffect(server, async () => {
          for (const fields of [
            { email, [`password${operator}`]: '' },
            { [`email${operator}`]: '', password: PASSWORD },
            { [`email${operator}`]: '', [`password${operator}`]: '' },
          ])
            expect([400, 401]).toContain((await submit(visitor, '/login', fields)).status);
        });
      },
    );

    it('in the path', async () => {
      await expectNoEffect(server, async () => {
        for (const { page, form } of LINK_KINDS)
          for (const operator of ['[$ne]=', '%7B%22$ne%22:null%7D', '%25', '_', '*', "'%20OR%20'1'='1"])
            expect([303, 400, 404]).toContain((await submit(visitor, `/${page}/${operator}`, form)).status);
      });
    });
  });

  describe('A19 parallel confirm: only one of 50 wins', () => {
    const outcomes = (answers: { status: number; headers: Record<string, string> }[]) => ({
      won: answers.filter(({ status, headers }) => status < 300 || headers['location'] === '/login').length,
      lost: answers.filter(
        ({ status, headers }) => status === 410 || /request|register/.test(headers['location'] ?? ''),
      ).length,
    });

    it('of a reset, half of them by the page', async () => {
      const { user, token } = await RESET.mail(server);
      const answers: { status: number; headers: Record<string, string>; password: string }[] = [];
      const mails = await mailsCausedBy(server, async () => {
        const browsers = await Promise.all(
          Array.from({ length: 25 }, async () => {
            const browser = server.browser();
            const page = await browser.get('/login');
            return { browser, csrf: csrfOf(page.text) };
          }),
        );
        await Promise.all([
          ...browsers.map(async ({ browser, csrf }, n) => {
            const password = `by the page, try number ${n}`;
            const form = { password, password2: password, _csrf: csrf };
            const { status, headers } = await browser
              .post(`/reset_password/${token}`)
              .type('form')
              .send(form);
            answers.push({ status, headers, password });
          }),
          ...browsers.map(async (_, n) => {
            const password = `by the API, try number ${n}`;
            const { status, headers } = await server.confirm(token, password);
            answers.push({ status, headers, password });
          }),
        ]);
      });
      expect(outcomes(answers)).toEqual({ won: 1, lost: 49 });
      expect(mails.map(({ envelope }) => envelope.to)).toEqual([[user!.email]]);
      const [row] = await server.database.query(
        'SELECT credentials_version AS version FROM latchkey.users WHERE id = $1',
        [user!.id],
      );
      expect(row).toEqual({ version: 2 });
      const winner = answers.find(
        ({ status, headers }) => status === 204 || headers['location'] === '/login',
      )!;
      expect(await passwordWorks(user!, winner.password)).toBe(true);
    });

    it('of a registration', async () => {
      const email = someAddress();
      const token = await register(server, email);
      const answers = await Promise.all(
        Array.from({ length: 50 }, () =>
          useLink(server, ['/api/users/verify', { password: NEW_PASSWORD }], token),
        ),
      );
      // They all bring the password of the one that wins; a few of them are told that it is done.
      const { events: repeats } = REPEATED_CONFIRMATIONS;
      expect(outcomes(answers)).toEqual({ won: 1 + repeats, lost: 49 - repeats });
      const versions = 'SELECT credentials_version AS version FROM latchkey.users WHERE email = $1';
      expect(await server.database.query(versions, [email])).toEqual([{ version: 2 }]);
    });

    it('of a change of address', async () => {
      const user = await server.createUser();
      const { confirm, email } = await changeAddress(server, user);
      const session = await server.accessTokenFor(user);
      const answers = await Promise.all(
        Array.from({ length: 50 }, () =>
          useLink(server, ['/api/email-change/confirm', {}], confirm, session),
        ),
      );
      // The same person, who got what they wanted: all are told so, and one has done it.
      expect(outcomes(answers)).toEqual({ won: 50, lost: 0 });
      const changed = await server.app.get(UsersService).findById(user.id);
      expect(changed).toMatchObject({ email, credentialsVersion: user.credentialsVersion + 1 });
      await server.login(email, PASSWORD).expect(200);
    });

    it('of a change of address and its stop: one of the two', async () => {
      for (let round = 0; round < 5; round++) {
        const user = await server.createUser();
        const { confirm, cancel, email } = await changeAddress(server, user);
        const answers = await Promise.all([
          useLink(server, CONFIRM_EMAIL, confirm),
          useLink(server, ['/api/email-change/cancel', {}], cancel),
        ]);
        expect(answers.map(({ status }) => status).sort()).toEqual([204, 410]);
        const confirmed = answers[0].status === 204;
        expect((await server.login(email, PASSWORD)).status).toBe(confirmed ? 200 : 401);
        expect((await server.login(user.email, PASSWORD)).status).toBe(confirmed ? 401 : 200);
      }
    });
  });

  describe('A20 never invalidated: a dead link stays dead', () => {
    const A_MONTH = 31 * 86_400;

    it.each(LINKS)('used: a %s', async (_, kind) => {
      const { token } = await kind.mail(server);
      await spend(server, kind, token).expect(204);
      const replay = () =>
        expectNoEffect(server, async () => {
          for (const route of kind.routes) {
            const { status } = await useLink(server, route, token);
            // The same once more by the same person is no error, and does nothing.
            const isRepeated = route === kind.routes.at(-1);
            expect([route[0], status]).toEqual([route[0], isRepeated ? 204 : 410]);
          }
        });
      await replay();
      await server.app.get(Housekeeping).run();
      await replay();
    });

    it.each(LINKS)('too old, and removed: a %s', async (_, kind) => {
      const { token } = await kind.mail(server);
      advance(A_MONTH);
      const replay = () =>
        expectNoEffect(server, async () => {
          for (const route of kind.routes)
            expect([400, 410]).toContain((await useLink(server, route, token)).status);
          expect((await server.http.get(`/${kind.page}/${token}`)).status).toBe(303);
        });
      await replay();
      await server.app.get(Housekeeping).run();
      live.clear();
      await replay();
    });
  });

  describe('A21 no or half expiry: a link ends on time, at every step', () => {
    /** What the documentation says of each, in seconds; each has a minute of grace for the hand-over. */
    const LIFETIMES: Record<string, number> = {
      reset: 600,
      disavowal: 7 * 86_400,
      registration: 86_400,
      'change of address': 86_400,
      'stop of a change': 7 * 86_400,
    };

    it.each(LINKS)('a %s, on look and on use', async (name, kind) => {
      const { token } = await kind.mail(server);
      await server.idle();
      const browser = server.browser();
      advance(LIFETIMES[name]! + 55);
      const page = await browser.get(`/${kind.page}/${token}`).expect(200);
      advance(10);
      await expectNoEffect(server, async () => {
        for (const route of kind.routes) await useLink(server, route, token).expect(410);
        await browser.get(`/${kind.page}/${token}`).expect(303);
        // The form was on the screen while the link was live.
        const late = await browser
          .post(`/${kind.page}/${token}`)
          .type('form')
          .send({ ...kind.form, _csrf: csrfOf(page.text) });
        expect([late.status, late.headers['location']]).toEqual([
          303,
          expect.stringMatching(/^\/(login|register|reset_password_request)$/),
        ]);
      });
    });

    it.each([undefined, null, '', '9999999999', 9e15, 1e308, -1, 1.5, [9_999_999_999], { a: 1 }])(
      'a genuine token that ends at %j',
      async (exp) => {
        for (const [kind, { token }] of live) {
          const { header, claims } = readJwt(token);
          const { key } = server.app.get(Keyring).derive(String(claims['aud'])).current;
          const endless = forgeJwt({ header, claims: { ...claims, exp }, key });
          for (const route of kind.routes) await expectRefused(() => useLink(server, route, endless));
        }
      },
    );

    it('an access token, at the end of its session', async () => {
      const accessToken = await server.accessTokenFor(await server.createUser());
      for (let seconds = 0; seconds < 43_000; seconds += 4_300) {
        await server.me(accessToken).expect(200);
        advance(4_300);
      }
      await server.me(accessToken).expect(200);
      advance(300);
      await server.me(accessToken).expect(401);
    });
  });

  /** Sets another password, signed in. */
  const changePassword = async (user: User, password: string) => {
    const body = JSON.stringify({ currentPassword: PASSWORD, password });
    const accessToken = await server.accessTokenFor(user);
    await postJson(server, '/api/users/me/password', body, accessToken).expect(200);
  };

  it('A22 survives password change: a link from before is dead', async () => {
    const user = await server.createUser();
    const tokens = [await server.tokenFor(user), await server.tokenFor(user)];
    const { confirm, cancel } = await changeAddress(server, user);
    await changePassword(user, NEW_PASSWORD);
    await expectNoEffect(server, async () => {
      for (const token of tokens) {
        await server.look(token).expect(410);
        await server.confirm(token, 'an intruder was here too').expect(410);
      }
      await useLink(server, CONFIRM_EMAIL, confirm).expect(410);
    });
    expect(await passwordWorks(user, NEW_PASSWORD)).toBe(true);
    // It stops every change of address, however late: that is all that it does.
    await useLink(server, ['/api/email-change/cancel', {}], cancel).expect(204);
    expect(await passwordWorks(user, NEW_PASSWORD)).toBe(true);
  });

  it('A23 survives e-mail change: a link in the old mailbox is dead', async () => {
    const user = await server.createUser();
    const { email, confirm, cancel } = await changeAddress(server, user);
    const token = await server.tokenFor(user);
    await useLink(server, CONFIRM_EMAIL, confirm).expect(204);
    await server.idle();
    await expectNoEffect(server, async () => {
      await server.look(token).expect(410);
      await server.confirm(token, NEW_PASSWORD).expect(410);
      await useLink(server, ['/api/email-change/cancel', {}], cancel).expect(410);
    });
    // Until then a new link to the old address takes the account back: see A106.
    const A_DAY_SECONDS = 86_401;
    server.clock.advance(A_DAY_SECONDS);
    const mails = await mailsCausedBy(server, async () => {
      await server.ask(user.email).expect(202);
      await server.ask(email).expect(202);
    });
    server.clock.advance(-A_DAY_SECONDS);
    expect(mails.map(({ envelope }) => envelope.to)).toEqual([[email]]);
    expect(await passwordWorks({ ...user, email }, PASSWORD)).toBe(true);
  });

  describe("A24 predictable token: own ones tell nothing about a victim's", () => {
    const parts = (token: string) => {
      const [head, , signature] = token.split('.');
      return { head: head!, signature: signature!, claims: readJwt(token).claims };
    };

    it('that was made between two own ones', async () => {
      const [attacker, victim] = [await server.createUser(), await server.createUser()];
      const before = parts(await server.tokenFor(attacker));
      const wanted = parts(await server.tokenFor(victim));
      const after = parts(await server.tokenFor(attacker));
      // Even with the victim's record known from a stolen table.
      for (const own of [before, after])
        for (const claims of [{ ...own.claims, jti: wanted.claims['jti'] }, wanted.claims]) {
          const payload = Buffer.from(JSON.stringify(claims)).toString('base64url');
          for (const signature of [own.signature, '', after.signature])
            await expectRefused(() => server.confirm([own.head, payload, signature].join('.'), NEW_PASSWORD));
        }
      expect(await passwordWorks(victim, PASSWORD)).toBe(true);
    });

    it('in any bit', async () => {
      const user = await server.createUser();
      const mails = await mailsCausedBy(server, () =>
        Promise.all(Array.from({ length: 64 }, () => server.ask(user.email).expect(202))),
      );
      const tokens = mails.map((mail) => parts(linkedToken(mail, 'reset_password')));
      expect(tokens).toHaveLength(64);
      const ids = tokens.map(({ claims }) => String(claims['jti']));
      expect(new Set(ids).size).toBe(64);
      // Version 4: random, with neither time nor machine in it.
      for (const id of ids)
        expect(id).toMatch(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
      const signatures = tokens.map(({ signature }) => Buffer.from(signature, 'base64url'));
      for (let bit = 0; bit < 256; bit++) {
        const ones = signatures.filter((bytes) => bytes[bit >> 3]! & (1 << (bit & 7))).length;
        // 64 throws of a coin: seven deviations off, once in a thousand million runs.
        expect(Math.abs(ones - 32)).toBeLessThan(28);
      }
    });
  });

  it('A25 truncated token accepted: only the whole token opens', async () => {
    const { token } = live.get(RESET)!;
    const lengths = Array.from(token, (_, n) => n).filter((n) => n % 4 === 0 || n > token.length - 45);
    const cut = lengths.flatMap((n) => [token.slice(0, n), token.slice(token.length - n)]);
    const [head, signature] = [
      token.slice(0, token.lastIndexOf('.') + 1),
      token.slice(token.lastIndexOf('.') + 1),
    ];
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    // Two bits of the last letter are not needed: three more letters there decode to the same bytes.
    const lastLetters = [...alphabet]
      .map((letter) => token.slice(0, -1) + letter)
      .filter((each) => each !== token);
    const others = [
      ...['=', '==', '.', ' ', '\n', '\0', '%00', 'A', '/', '.A'].flatMap((tail) => [
        token + tail,
        tail + token,
      ]),
      token.toLowerCase(),
      token.toUpperCase(),
      `${head}${Buffer.from(signature, 'base64url').toString('base64')}`,
      `${head}${Buffer.from(signature, 'base64url').toString('hex')}`,
      token.replaceAll('.', '%2e'),
      token.replace('.', '..'),
      `"${token}"`,
      `${token},${token}`,
      `Bearer ${token}`,
    ];
    const wrong = [...cut, ...lastLetters, ...others];
    await expectNoEffect(server, async () => {
      for (let n = 0; n < wrong.length; n += 20)
        await Promise.all(wrong.slice(n, n + 20).map((each) => server.look(each).expect(400)));
    });
    await server.look(token).expect(200);
  });

  it('A26 weak token hashing: a stolen database opens nothing', async () => {
    const user = await server.createUser();
    const email = someAddress();
    const reset = await server.tokenFor(user);
    const { confirm, cancel } = await changeAddress(server, user);
    const registration = await register(server, email);
    const accessToken = await server.accessTokenFor(user);
    const stolen = await rowsAbout([user.id, user.email, email]);
    const words = [...new Set(stolen.split(/[^\w.+/=@$-]+/))].filter((word) => word.length >= 16);
    expect(words).toContain(user.id);
    for (const token of [reset, confirm, cancel, registration, accessToken])
      for (const secret of [token, token.split('.')[2]!]) {
        const hash = createHash('sha256').update(secret).digest();
        for (const form of [
          secret,
          hash.toString('hex'),
          hash.toString('base64'),
          hash.toString('base64url'),
        ])
          expect(stolen).not.toContain(form);
      }
    const { header, claims } = readJwt(confirm);
    await expectNoEffect(server, async () => {
      for (const word of words) {
        for (const { path, others } of TOKEN_ROUTES) await useLink(server, [path, others], word).expect(400);
        const forged = forgeJwt({ header, claims, key: word });
        await useLink(server, CONFIRM_EMAIL, forged).expect(400);
        await server.me(word.replace(/[^\w.-]/g, '')).expect(401);
      }
    });
  });

  /** Every row of every table in which one of some words is. */
  const rowsAbout = async (words: string[]): Promise<string> => {
    const tables = await server.database.query<{ name: string }[]>(
      `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
       WHERE schemaname = 'latchkey' AND tablename <> 'audit_events'`,
    );
    const rows: string[] = [];
    for (const { name } of tables)
      for (const { row } of await server.database.query<{ row: string }[]>(
        `SELECT t::text AS row FROM ${name} t WHERE ${words.map((_, n) => `t::text LIKE '%' || $${n + 1} || '%'`).join(' OR ')}`,
        words,
      ))
        rows.push(row);
    return rows.join('\n');
  };

  /** Tokens that say what a genuine one says, signed by somebody else or by nobody. */
  const forgeries = (token: string): [what: string, forged: string][] => {
    const { header, claims } = readJwt(token);
    const genuine = server.app.get(Keyring).derive(String(claims['aud'])).current.key;
    const other = new Keyring({ secretKey: 'x'.repeat(32) }).derive(String(claims['aud'])).current;
    const [head, payload, signature] = token.split('.');
    const longer = { ...claims, exp: Number(claims['exp']) + 86_400 };
    return [
      ['unsigned', forgeJwt({ header, claims })],
      ['signed with another key', forgeJwt({ header, claims, key: other.key })],
      [
        'signed with another key, which it names',
        forgeJwt({ header: { ...header, kid: other.id }, claims, key: other.key }),
      ],
      ['signed with an empty key', forgeJwt({ header, claims, key: '' })],
      ['signed with the secret that the keys are made of', forgeJwt({ header, claims, key: SECRET })],
      ['signed with its own key id', forgeJwt({ header, claims, key: String(header['kid']) })],
      [
        'with the signature of another payload',
        [head, Buffer.from(JSON.stringify(longer)).toString('base64url'), signature].join('.'),
      ],
      ['of two parts', [head, payload].join('.')],
      ['of its payload only', payload!],
      ['as JSON', JSON.stringify({ protected: head, payload, signature })],
      ['without a key id', forgeJwt({ header: { alg: 'HS256' }, claims, key: genuine })],
      ...['__proto__', 'constructor', '', '../../../dev/null', "' OR 1=1 --"].map((kid): [string, string] => [
        `with the key id ${JSON.stringify(kid)}`,
        forgeJwt({ header: { kid }, claims, key: '' }),
      ]),
    ];
  };

  /** The same with other ideas of how it is signed. */
  const confusions = (token: string): [what: string, forged: string][] => {
    const { header, claims } = readJwt(token);
    const genuine = server.app.get(Keyring).derive(String(claims['aud'])).current.key;
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const jwk = publicKey.export({ format: 'jwk' });
    const pem = publicKey.export({ type: 'spki', format: 'pem' });
    const rsa = (more: object) => {
      const input = forgeJwt({ header: { ...header, alg: 'RS256', ...more }, claims }).slice(0, -1);
      return `${input}.${signWith('sha256', Buffer.from(input), privateKey).toString('base64url')}`;
    };
    return [
      ...['none', 'None', 'NONE', 'nOnE', '', 'HS256 '].map((alg): [string, string] => [
        `alg ${JSON.stringify(alg)}`,
        forgeJwt({ header: { ...header, alg }, claims }),
      ]),
      ['alg none, signed', forgeJwt({ header: { ...header, alg: 'none' }, claims, key: genuine })],
      [
        'alg HS512 with the genuine key',
        forgeJwt({ header: { ...header, alg: 'HS512' }, claims, key: genuine }),
      ],
      ['alg RS256', rsa({})],
      ['alg RS256 with a key of its own', rsa({ jwk })],
      ['alg RS256 with the address of a key', rsa({ jku: `${server.url}/jwks`, x5u: `${server.url}/x5u` })],
      ['signed with the text of a public key', forgeJwt({ header: { ...header, jwk }, claims, key: pem })],
      ['alg in a list', forgeJwt({ header: { ...header, alg: ['HS256'] }, claims, key: genuine })],
    ];
  };

  describe.each([
    ['A27 JWT decoded, not verified: a token nobody signed opens nothing', forgeries],
    ['A28 alg none and key confusion: the header of a token decides nothing', confusions],
  ])('%s', (_, forge) => {
    it.each(ROUTES)('at %s', async (_, route) => {
      const { token } = live.get(route.kind)!;
      await expectNoEffect(server, async () => {
        for (const [what, forged] of forge(token)) {
          const { status, body } = await useLink(server, [route.path, route.others], forged);
          expect([what, status, body.code]).toEqual([
            what,
            400,
            expect.stringMatching(/^(RESET_TOKEN|LINK)_INVALID$/),
          ]);
        }
      });
    });

    it('as an access token, in a header or in a cookie', async () => {
      const accessToken = await server.accessTokenFor(await server.createUser());
      await server.http.get('/account').set('Cookie', `latchkey=${accessToken}`).expect(200);
      for (const [what, forged] of forge(accessToken)) {
        const { status } = await server.me(forged);
        expect([what, status]).toEqual([what, 401]);
        const page = await server.http
          .get('/account')
          .set('Cookie', `latchkey=${encodeURIComponent(forged)}`);
        expect([what, page.status, page.headers['location']]).toEqual([what, 303, '/login']);
      }
    });
  });

  describe('A29 empty or default signing key: the server does not start with one', () => {
    const PRODUCTION = {
      NODE_ENV: 'production',
      DATABASE_URL: 'postgres://latchkey:password@localhost:5432/latchkey',
      MAIL_SERVER: 'smtp.example.com',
      PUBLIC_URL: 'https://id.example.com',
      ADMINS: 'no-reply@latchkey.dev',
    };
    const readFile = (name: string) => readFileSync(join(__dirname, '..', '..', name), 'utf8');
    const published = ['README.md', '.env.example', 'docs/run.md', 'docs/embed.md', 'docs/extend.md'].flatMap(
      (name) =>
        [...readFile(name).matchAll(/\b(?:SECRET_KEY|secretKey)\w*\s*[=:]\s*['"`]?([^\s'"`,})]+)/g)].map(
          ([, key]) => key!,
        ),
    );

    it('starts with a good one', () => {
      expect(readSettings({ ...PRODUCTION, SECRET_KEY: SECRET }).secretKey).toBe(SECRET);
    });

    it.each([
      '',
      ' ',
      'secret',
      'x'.repeat(31),
      'x'.repeat(64),
      'abcabcabcabcabcabcabcabcabcabcabcabc',
      'change-me-change-me-change-me-1234567890',
      'your-256-bit-secret',
      'secretkey0123456789abcdefghijklmn',
      ...published,
    ])('not with %j', (key) => {
      const name = key.trim() ? 'SECRET_KEY' : 'SECRET_KEY: must be set';
      expect(() => readSettings({ ...PRODUCTION, SECRET_KEY: key })).toThrow(name);
      if (key.trim()) expect(() => readSettings({ SECRET_KEY: key })).toThrow('SECRET_KEY');
      if (key.trim())
        expect(() => readSettings({ SECRET_KEY: SECRET, SECRET_KEY_PREVIOUS: key })).toThrow(
          'SECRET_KEY_PREVIOUS',
        );
    });

    it('not with one that the documents show', () => expect(published.length).toBeGreaterThan(0));
  });

  it('A30 one secret, many purposes: nothing signed is good for anything else', async () => {
    const accessToken = await server.accessTokenFor(await server.createUser());
    const csrf = csrfOf((await server.http.get('/login').expect(200)).text);
    const signed: [kind: string, token: string][] = [
      ...[...live].map(([{ name }, { token }]): [string, string] => [name, token]),
      ['access', accessToken],
      ['csrf', csrf],
    ];
    await expectNoEffect(server, async () => {
      for (const [name, token] of signed) {
        for (const { kind, path, others } of TOKEN_ROUTES) {
          if (kind.name === name) continue;
          const { status } = await useLink(server, [path, others], token);
          expect([name, path, status]).toEqual([name, path, 400]);
          const page = await submit(visitor, `/${kind.page}/${token}`, kind.form);
          expect([name, kind.page, page.status]).toEqual([name, kind.page, 303]);
        }
        if (name === 'access') continue;
        await server.me(token).expect(401);
        await server.http.get('/account').set('Cookie', `latchkey=${token}`).expect(303);
      }
    });
    await expectAllLive();
    await server.me(accessToken).expect(200);
  });

  describe('A31 byte-wise compare: how much of a token is right stays unknown', () => {
    const spoil = (text: string, index: number) => {
      const at = index < 0 ? text.length + index : index;
      return text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1);
    };

    it('signatures are compared in constant time, and answered alike', async () => {
      const compare = jest.spyOn(crypto, 'timingSafeEqual');
      for (const [kind, { token }] of live) {
        const start = token.lastIndexOf('.') + 1;
        const answers = [];
        for (const wrong of [spoil(token, start), spoil(token, -2), spoil(token, -20)]) {
          compare.mockClear();
          const { status, text, body } = await useLink(server, kind.routes[0]!, wrong);
          answers.push({ status, text: text.replace(body.requestId, '') });
          expect(compare.mock.calls.map(([left]) => left.byteLength)).toContain(43);
        }
        expect(answers[0]!.status).toBe(400);
        expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
      }
    });

    it('so are anti-forgery tokens', async () => {
      const compare = jest.spyOn(crypto, 'timingSafeEqual');
      const browser = server.browser();
      const csrf = csrfOf((await browser.get('/login').expect(200)).text);
      for (const wrong of [spoil(csrf, -1), spoil(csrf, -20)]) {
        compare.mockClear();
        await browser
          .post('/login')
          .type('form')
          .send({ email: 'a@b.example', password: 'x', _csrf: wrong })
          .expect(403);
        expect(compare).toHaveBeenCalled();
      }
    });
  });

  describe('A32 cost by crafted token: what is too long is not read', () => {
    const spyOnDecoding = () => {
      const { jwt } = server.app.get<{ jwt: JwtService }>(SignedTokens);
      return jest.spyOn(jwt, 'decode');
    };
    const huge = (digits: number) =>
      forgeJwt({ claims: `{"exp":${'9'.repeat(digits)},"jti":"${'1'.repeat(digits)}"}`, key: '' });

    it.each(ROUTES)('at %s', async (_, { path, others }) => {
      const decode = spyOnDecoding();
      await expectNoEffect(server, async () => {
        for (const [token, status] of [
          ['x'.repeat(1_000_000), 413],
          [huge(1_000_000), 413],
          ['x'.repeat(60_000), 400],
          ['.'.repeat(60_000), 400],
          [huge(10_000), 400],
          [huge(1_000), 400],
        ] as const)
          await useLink(server, [path, others], token).expect(status);
      });
      expect(decode).not.toHaveBeenCalled();
      await useLink(server, [path, others], huge(10)).expect(400);
      expect(decode).toHaveBeenCalled();
    });

    it('as an access token, a session cookie, or in a path', async () => {
      const decode = spyOnDecoding();
      for (const length of [1_100, 10_000]) {
        const token = 'x'.repeat(length);
        await server.me(token).expect(401);
        await server.http.get('/account').set('Cookie', `latchkey=${token}`).expect(303);
        for (const { page } of LINK_KINDS)
          expect([404, 414]).toContain((await server.http.get(`/${page}/${token}`)).status);
      }
      const { status } = await sendAsIs(server.url, '/api/users/me', {
        headers: { Authorization: `Bearer ${'x'.repeat(100_000)}` },
      });
      expect(status).toBe(431);
      expect(decode).not.toHaveBeenCalled();
    });
  });

  it.each(LINKS)('A33 scanner uses the link: a %s survives ten looks of each kind', async (_, kind) => {
    const { token } = await kind.mail(server);
    const path = `/${kind.page}/${token}`;
    await expectNoEffect(server, async () => {
      for (let n = 0; n < 10; n++) {
        const page = await server.http.get(path).expect(200);
        // Nothing on it that a browser of a scanner could run, load or follow on its own.
        expect(page.text).not.toMatch(/<script|<iframe|<object|http-equiv|\son\w+=/i);
        expect((await sendAsIs(server.url, path, { method: 'HEAD' })).status).toBe(200);
        if (kind === RESET) await server.look(token).expect(200);
      }
      for (const method of ['OPTIONS', 'PUT', 'PATCH', 'DELETE', 'POST'])
        expect([403, 404, 405, 415]).toContain((await sendAsIs(server.url, path, { method })).status);
      await server.browser().get(path).set('Purpose', 'prefetch').set('Sec-Purpose', 'prefetch').expect(200);
      for (const [route] of kind.routes)
        expect([404, 405]).toContain((await server.http.get(`${route}?token=${token}`)).status);
    });
    const done = await submit(server.browser(), path, kind.form, { formOf: path });
    expect([done.status, done.headers['location']]).toEqual([303, '/login']);
  });

  it.each(LINKS)('A34 leak by Referer: the page of a %s tells nobody its address', async (_, kind) => {
    const { token } = await kind.mail(server);
    const path = `/${kind.page}/${token}`;
    const browser = server.browser();
    const page = await browser.get(path).expect(200);
    const addresses = [...page.text.matchAll(/\b(?:src|href|action|srcset|poster|data)="([^"]*)"/g)].map(
      ([, url]) => url!,
    );
    expect(addresses.length).toBeGreaterThan(0);
    for (const address of addresses) expect(new URL(address, server.url).origin).toBe(server.url);
    expect(page.text).not.toContain(token);
    expect(page.headers['content-security-policy']).toMatch(/^default-src 'none';/);
    expect(page.headers['content-security-policy']).not.toMatch(/https?:|\*/);

    const refused = await browser.post(path).type('form').send(kind.form);
    const wrong = await submit(browser, path, { password: 'a', password2: 'b' }, { formOf: path });
    const done = await submit(server.browser(), path, kind.form, { formOf: '/login' });
    const dead = await browser.get(path);
    expect([refused.status, dead.status]).toEqual([403, /disavowal|stop/.test(kind.name) ? 200 : 303]);
    expect(/registration|change of address/.test(kind.name) ? [403] : [303, 422]).toContain(wrong.status);
    for (const { headers } of [page, refused, wrong, done, dead]) {
      expect(headers['referrer-policy']).toBe('no-referrer');
      expect(headers['location'] ?? '').not.toContain(token);
    }
  });

  it('A35 token or password in logs: not at the finest level, not on any road', async () => {
    const lines: string[] = [];
    const keep = (...line: unknown[]) => void lines.push(line.map(inspectFully).join(' '));
    for (const stream of [process.stdout, process.stderr])
      jest.spyOn(stream, 'write').mockImplementation((chunk) => (keep(String(chunk)), true));
    Logger.overrideLogger({ log: keep, error: keep, warn: keep, debug: keep, verbose: keep, fatal: keep });
    const user = await server.createUser({
      email: `canary.${someAddress()}`,
      password: 'canary of a password 1',
    });
    const secrets = [user.email, 'canary of a password 1', 'canary of a password 2', 'canary of a wrong one'];
    try {
      const accessToken = await server.accessTokenFor(user, 'canary of a password 1');
      const token = await server.tokenFor(user);
      secrets.push(accessToken, token, accessToken.split('.')[2]!, token.split('.')[2]!);
      await server.login(user.email, 'canary of a wrong one').expect(401);
      await postJson(
        server,
        '/api/auth/login',
        `{"password":"canary of a wrong one","email":"${user.email}"`,
      ).expect(400);
      await postJson(server, '/api/auth/login', `{"canary of a wrong one":"${user.email}"}`).expect(400);
      await server.http.get(`/reset_password/${token}x`).expect(303);
      await server.http.get(`/no-such-page/${token}`).expect(404);
      await server.http.get(`/reset_password/${token}?a=%zz`);
      await server.me(`${accessToken}x`).expect(401);
      const failing = jest
        .spyOn(server.app.get(UserStore), 'setPassword')
        .mockRejectedValueOnce(
          new QueryFailedError('UPDATE x', [token, 'canary of a password 2'], new Error('no')),
        );
      await server.confirm(token, 'canary of a password 2').expect(500);
      expect(failing).toHaveBeenCalled();
      await server.confirm(token, 'canary of a password 2').expect(204);
      await server.confirm(token, 'canary of a password 2').expect(204);
      await server.idle();
    } finally {
      Logger.overrideLogger(false);
    }
    expect(lines.join('\n')).toContain(user.id);
    for (const secret of secrets) for (const line of lines) expect(line).not.toContain(secret);
  });

  describe('A36 cached reset page: nothing personal is kept by a cache', () => {
    it('no page, whatever its status', async () => {
      const browser = server.browser();
      const user = await server.createUser();
      const { token } = await RESET.mail(server);
      const answers = [
        await browser.get('/login').expect(200),
        await submit(browser, '/login', { email: user.email, password: 'wrong' }),
        await submit(browser, '/login', { email: user.email, password: PASSWORD }),
        await browser.get('/').expect(200),
        await browser.get('/account').expect(200),
        await browser.get('/change_password').expect(200),
        await browser.get('/change_email').expect(200),
        await browser.get('/login').expect(303),
        await browser.post('/logout').type('form').send({}).expect(403),
        await server.http.get('/register').expect(200),
        await server.http.get('/reset_password_request').expect(200),
        await submit(server.browser(), '/reset_password_request', { email: 'none' }),
        await submit(server.browser(), '/reset_password_request', { email: user.email }),
        await submit(server.browser(), `/reset_password/${token}`, { password: 'a', password2: 'b' }),
        await server.http.get('/account').expect(303),
        await server.http.get('/nothing').expect(404),
        await server.http.get('/reset_password/no-token').expect(303),
      ];
      for (const [{ page }, link] of live)
        answers.push(await server.http.get(`/${page}/${link.token}`).expect(200));
      for (const { headers, status } of answers)
        expect([status, headers['cache-control']]).toEqual([status, expect.stringMatching(/^no-store\b/)]);
    });

    it('no answer of the API, whatever its status', async () => {
      const user = await server.createUser();
      const { token } = await RESET.mail(server);
      const accessToken = await server.accessTokenFor(user);
      const answers = [
        await server.me(accessToken).expect(200),
        await server.http.get('/api/sessions').set('Authorization', `Bearer ${accessToken}`).expect(200),
        await server.me('x').expect(401),
        await server.login(user.email, PASSWORD).expect(200),
        await server.login(user.email, 'x').expect(401),
        await server.ask(user.email).expect(202),
        await server.ask('x').expect(400),
        await server.look(token).expect(200),
        await server.look('x').expect(400),
        await server.confirm(token, 'short').expect(422),
        await server.confirm(token, NEW_PASSWORD).expect(204),
        await server.confirm(token, `${NEW_PASSWORD} 2`).expect(410),
        await server.http.post('/api/password-reset').type('form').send('email=x').expect(415),
        await server.http.get('/api/nothing').expect(404),
        await postJson(server, '/api/users', '{}').expect(400),
        await postJson(server, '/api/auth/logout', '{}', accessToken).expect(204),
      ];
      for (const [kind, link] of live)
        if (kind !== RESET) answers.push(await spend(server, kind, link.token).expect(204));
      live.clear();
      for (const { headers, status } of answers)
        expect([status, headers['cache-control']]).toEqual([status, expect.stringMatching(/^no-store\b/)]);
    });
  });

  describe('A37 flow token not tied to the step: each step asks for its own proof', () => {
    let owner: User;
    let other: User;
    let token: string;

    beforeEach(async () => {
      [owner, other] = [await server.createUser(), await server.createUser()];
      token = await server.tokenFor(owner);
    });

    it.each(['email', 'userId', 'user_id', 'id', 'username', 'resetId', 'jti', 'sub'])(
      'a token of one and the %s of another',
      async (field) => {
        const named = { token, password: NEW_PASSWORD, [field]: field === 'email' ? other.email : other.id };
        await expectNoEffect(server, () =>
          postJson(server, '/api/password-reset/confirm', JSON.stringify(named)).expect(400),
        );
        const query = `/api/password-reset/confirm?${field}=${named[field]}`;
        await postJson(server, query, JSON.stringify({ token, password: NEW_PASSWORD })).expect(204);
        expect([await passwordWorks(owner, NEW_PASSWORD), await passwordWorks(other, PASSWORD)]).toEqual([
          true,
          true,
        ]);
      },
    );

    it('a token of one and the session of another', async () => {
      const accessToken = await server.accessTokenFor(other);
      const browser = server.browser();
      await signIn(browser, other.email, PASSWORD);
      await expectNoEffect(server, async () => {
        const form = { password: NEW_PASSWORD, password2: NEW_PASSWORD };
        const page = await submit(browser, `/reset_password/${token}`, form, { formOf: '/account' });
        expect([page.status, page.headers['location']]).toEqual([303, '/']);
      });
      const body = JSON.stringify({ token, password: NEW_PASSWORD });
      await postJson(server, '/api/password-reset/confirm', body, accessToken).expect(204);
      await server.me(accessToken).expect(200);
      expect([await passwordWorks(owner, NEW_PASSWORD), await passwordWorks(other, PASSWORD)]).toEqual([
        true,
        true,
      ]);
    });

    it('a change of address of one, confirmed in the session of another', async () => {
      const { confirm, email } = await changeAddress(server, owner);
      const accessToken = await server.accessTokenFor(other);
      await useLink(server, ['/api/email-change/confirm', {}], confirm, accessToken).expect(401);
      expect((await server.me(accessToken).expect(200)).body).toMatchObject({ email: other.email });
      await useLink(server, CONFIRM_EMAIL, confirm, accessToken).expect(204);
      expect((await server.me(accessToken).expect(200)).body).toMatchObject({ email: other.email });
      await server.login(email, PASSWORD).expect(200);
    });

    it('a form of one browser and the cookies of another', async () => {
      const [mine, theirs] = [server.browser(), server.browser()];
      const form = { password: NEW_PASSWORD, password2: NEW_PASSWORD };
      const csrf = csrfOf((await mine.get(`/reset_password/${token}`).expect(200)).text);
      await theirs.get(`/reset_password/${token}`).expect(200);
      await expectNoEffect(server, async () => {
        await theirs
          .post(`/reset_password/${token}`)
          .type('form')
          .send({ ...form, _csrf: csrf })
          .expect(403);
        await server.http
          .post(`/reset_password/${token}`)
          .type('form')
          .send({ ...form, _csrf: csrf })
          .expect(403);
      });
    });

    it('the last step without the ones before', async () => {
      const browser = server.browser();
      await browser.get(`/reset_password/${token}`).expect(200);
      await submit(browser, '/reset_password_request', { email: other.email });
      await expectNoEffect(server, async () => {
        const form = { password: NEW_PASSWORD, password2: NEW_PASSWORD };
        for (const path of [
          '/reset_password',
          '/reset_password/',
          '/reset_password_request',
          '/change_password',
          '/login',
        ]) {
          const { status } = await submit(browser, path, { ...form, currentPassword: '' });
          expect([303, 400, 401, 404, 405]).toContain(status);
        }
        await postJson(
          server,
          '/api/users/me/password',
          JSON.stringify({ currentPassword: '', ...form }),
        ).expect(401);
      });
    });
  });
});

function inspectFully(value: unknown): string {
  if (value instanceof Error) return `${value.stack} ${JSON.stringify(value)}`;
  return typeof value === 'string' ? value : JSON.stringify(value);
}
