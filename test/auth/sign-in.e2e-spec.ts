import bcrypt from 'bcrypt';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Response } from 'supertest';
import { Keyring } from '../../src/common';
import { type User, UsersOptions } from '../../src/users';
import { forgeJwt, readJwt } from '../support/jwt';
import { until } from '../support/mail-reader';
import { sendAsIs, writeToSocket } from '../support/raw-request';
import { AdapterName, PASSWORD, TestApp } from '../support/test-app';

const SECRET = 'Ys8Kq3Vn6Tb1Xe4Rm9Gd2Hw7Lc5Jz0Pf-test';

describe.each<AdapterName>(['fastify', 'express'])('sign-in over REST, on %s', (adapter) => {
  let server: TestApp;

  beforeAll(async () => {
    server = await TestApp.start({ adapter, settings: { secretKey: SECRET } });
  });
  afterAll(() => server.stop());

  const hashOf = async ({ id }: User): Promise<string> =>
    (await server.database.query('SELECT password_hash FROM latchkey.users WHERE id = $1', [id]))[0]
      .password_hash;
  const setHash = ({ id }: User, hash: string) =>
    server.database.query('UPDATE latchkey.users SET password_hash = $2 WHERE id = $1', [id, hash]);
  const disable = ({ id }: User) =>
    server.database.query('UPDATE latchkey.users SET disabled_at = now() WHERE id = $1', [id]);
  const refused = { status: 401, code: 'INVALID_CREDENTIALS' };

  describe('a stranger', () => {
    it('cannot tell from the answer whether there is such an account', async () => {
      const [user, disabled, imported] = [
        await server.createUser(),
        await server.createUser(),
        await server.createUser(),
      ];
      await disable(disabled);
      await setHash(imported, bcrypt.hashSync(PASSWORD, 4));
      const answers = await Promise.all([
        server.login(user.email, 'a wrong password'),
        server.login(user.email.toUpperCase(), 'a wrong password'),
        server.login(user.email, ''),
        server.login(user.email, 'x'.repeat(10_000)),
        server.login(`${randomUUID()}@example.com`, PASSWORD),
        server.login(`${randomUUID()}@example.com`, ''),
        server.login(disabled.email, PASSWORD),
        server.login(disabled.email, 'a wrong password'),
        server.login(imported.email, 'a wrong password'),
      ]);
      expect(answers[0].body).toMatchObject(refused);
      expect(answers[0].headers).toMatchObject({
        'www-authenticate': 'Bearer',
        'cache-control': 'no-store',
      });
      for (const answer of answers) expect(comparable(answer)).toEqual(comparable(answers[0]));
    });

    /** All of an answer but what differs between any two answers. */
    function comparable({ status, headers, text, body }: Response): unknown {
      const { date: _date, etag: _etag, ...others } = headers;
      return { status, others, text: text.replace(body.requestId, '') };
    }

    it('gets no account that was never asked for', async () => {
      const user = await server.createUser({ email: `mike.${randomUUID()}@example.com` });
      for (const twin of ['m\u0131ke', 'mi\u212ae', '\uff4dike', '%', '*', '_ike'])
        expect(
          (await server.login(user.email.replace('mike', twin), PASSWORD)).status,
        ).toBeGreaterThanOrEqual(400);
    });

    const LONG = 'seventy-two bytes: what comes behind them is lost to bcrypt but not here';

    it.each([
      ['another letter after byte 72', `${LONG}a`, `${LONG}b`],
      ['the first 72 bytes', `${LONG}a`, LONG],
      ['another last letter', PASSWORD, 'correct horse battery staplf'],
      ['other capitals', PASSWORD, 'Correct Horse Battery Staple'],
      ['a space at the end', PASSWORD, `${PASSWORD} `],
      ['a space at the beginning', PASSWORD, ` ${PASSWORD}`],
      ['no space at the end', `${PASSWORD} `, PASSWORD],
      ['full-width letters', PASSWORD, PASSWORD.replace('c', '\uff43')],
    ])('does not get in with %s', async (_, password, wrong) => {
      const user = await server.createUser({ password });
      expect((await server.login(user.email, wrong).expect(401)).body).toMatchObject(refused);
      await server.login(user.email, password).expect(200);
    });

    it.each([
      ['NUL at the end', `${PASSWORD}\0`],
      ['NUL and more', `${PASSWORD}\0 and more`],
      ['half a character', `${PASSWORD}\ud800`],
    ])('does not get in with %s, which no layer below reads alike', async (_, password) => {
      const user = await server.createUser();
      const answer = await server.login(user.email, password).expect(400);
      expect(answer.body).toMatchObject({ code: 'VALIDATION_FAILED', errors: [{ field: 'password' }] });
      expect(answer.text).not.toContain(PASSWORD);
    });

    it('does not get in with address and password in the URL', async () => {
      const { email } = await server.createUser();
      const query = { email, password: PASSWORD };
      await server.http.post('/api/auth/login').query(query).expect(400);
      await server.http.post('/api/auth/login').query(query).send({}).expect(400);
      await server.http.get('/api/auth/login').query(query).expect(405);
    });
  });

  describe('the owner', () => {
    it('gets an access token, which says who they are', async () => {
      const user = await server.createUser({ locale: 'zh-TW' });
      const answer = await server.login(user.email, PASSWORD).expect(200);
      expect(answer.body).toEqual({
        accessToken: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/) as string,
        tokenType: 'Bearer',
        expiresIn: 43_200,
      });
      expect(answer.headers).toMatchObject({ 'cache-control': 'no-store' });
      expect(answer.headers['set-cookie']).toBeUndefined();

      const me = await server.me(answer.body.accessToken).expect(200);
      expect(me.headers).toMatchObject({ 'cache-control': 'no-store' });
      expect(me.body).toEqual({
        id: user.id,
        email: user.email,
        username: 'Susan',
        locale: 'zh-TW',
        createdAt: user.createdAt.toISOString(),
      });
    });

    it('may write the address in capitals', async () => {
      const user = await server.createUser();
      await server.login(user.email.toUpperCase(), PASSWORD).expect(200);
    });

    it('may type an accent as one code point or as two', async () => {
      const user = await server.createUser();
      const [composed, decomposed] = ['mot de passe tr\u00e8s s\u00fbr', 'mot de passe tre\u0300s su\u0302r'];
      await server.confirm(await server.tokenFor(user), composed).expect(204);
      await server.login(user.email, decomposed).expect(200);
      await server.login(user.email, composed).expect(200);
      await server.login(user.email, 'mot de passe tres sur').expect(401);
    });

    it('signs out, and the token is dead at once; other sessions live on', async () => {
      const user = await server.createUser();
      const [token, other] = [await server.accessTokenFor(user), await server.accessTokenFor(user)];
      await server.me(token).expect(200);
      const answer = await server.http
        .post('/api/auth/logout')
        .set('Authorization', `Bearer ${token}`)
        .expect(204);
      expect(answer.text).toBe('');
      await server.me(token).expect(401);
      await server.http.post('/api/auth/logout').set('Authorization', `Bearer ${token}`).expect(401);
      await server.me(other).expect(200);
    });

    it('is signed out at the end of the session, used or not', async () => {
      const token = await server.accessTokenFor(await server.createUser());
      for (let hours = 0; hours < 12; hours++) {
        await server.me(token).expect(200);
        server.clock.advance(3600 - 1);
      }
      await server.me(token).expect(200);
      server.clock.advance(13);
      await server.me(token).expect(401);
      server.clock.advance(-43_201);
    });

    it('is signed out at once when the row of the session ends or goes, whatever the token says', async () => {
      const user = await server.createUser();
      const [ended, gone, other] = [
        await server.accessTokenFor(user),
        await server.accessTokenFor(user),
        await server.accessTokenFor(user),
      ];
      const id = (token: string) => [readJwt(token).claims['jti']];
      await server.database.query('UPDATE latchkey.sessions SET expires_at = now() WHERE id = $1', id(ended));
      await server.database.query('DELETE FROM latchkey.sessions WHERE id = $1', id(gone));
      await server.me(ended).expect(401);
      await server.me(gone).expect(401);
      await server.me(other).expect(200);
    });

    it('is signed out at once when the account is disabled or deleted', async () => {
      const [disabled, deleted] = [await server.createUser(), await server.createUser()];
      const tokens = [await server.accessTokenFor(disabled), await server.accessTokenFor(deleted)];
      for (const token of tokens) await server.me(token).expect(200);
      await disable(disabled);
      await server.database.query('DELETE FROM latchkey.users WHERE id = $1', [deleted.id]);
      for (const token of tokens) await server.me(token).expect(401);
    });
  });

  describe('a token', () => {
    const keyring = new Keyring({ secretKey: SECRET });
    const { id: kid, key } = keyring.derive('access').current;
    const resetKey = keyring.derive('password-reset').current;
    let good: string;
    let claims: Record<string, unknown>;

    beforeAll(async () => {
      good = await server.accessTokenFor(await server.createUser());
      ({ claims } = readJwt(good));
    });

    const refusesBearer = async (authorization: string) => {
      const answer = await server.http.get('/api/users/me').set('Authorization', authorization).expect(401);
      expect(answer.type).toBe('application/problem+json');
      expect(answer.headers).toMatchObject({ 'www-authenticate': 'Bearer', 'cache-control': 'no-store' });
      expect(answer.body).toMatchObject({ code: 'UNAUTHENTICATED' });
      // Words of the forgeries below are long ones; what is shorter may be in any answer.
      const told = authorization.split(' ').filter((word) => word.length > 10 && answer.text.includes(word));
      expect(told).toEqual([]);
    };
    const refuses = (token: string) => refusesBearer(`Bearer ${token}`);

    it('is believed when it is made with our key; the forgeries below differ in one thing each', async () => {
      await server.me(forgeJwt({ header: { kid }, claims, key })).expect(200);
    });

    it.each<[string, () => string]>([
      ['alg none without a signature', () => forgeJwt({ header: { kid, alg: 'none' }, claims })],
      ['alg NONE without a signature', () => forgeJwt({ header: { kid, alg: 'NONE' }, claims })],
      ['alg none over a right signature', () => forgeJwt({ header: { kid, alg: 'none' }, claims, key })],
      ['alg HS512 with our key', () => forgeJwt({ header: { kid, alg: 'HS512' }, claims, key })],
      ['alg RS256 with our key', () => forgeJwt({ header: { kid, alg: 'RS256' }, claims, key })],
      ['no signature', () => forgeJwt({ header: { kid }, claims })],
      ['the secret itself as key', () => forgeJwt({ header: { kid }, claims, key: SECRET })],
      ['an empty key', () => forgeJwt({ header: { kid }, claims, key: '' })],
      ['the key of reset links', () => forgeJwt({ header: { kid }, claims, key: resetKey.key })],
      [
        'key and id of reset links',
        () => forgeJwt({ header: { kid: resetKey.id }, claims, key: resetKey.key }),
      ],
      ['no key id', () => forgeJwt({ claims, key })],
      ['a path as key id', () => forgeJwt({ header: { kid: '../../../dev/null' }, claims, key: '' })],
      ['SQL as key id', () => forgeJwt({ header: { kid: "x' UNION SELECT 'x" }, claims, key: 'x' })],
      ['__proto__ as key id', () => forgeJwt({ header: JSON.parse('{"kid":"__proto__"}'), claims, key })],
      ['an object as key id', () => forgeJwt({ header: { kid: { toString: kid } }, claims, key })],
      ['a list as key id', () => forgeJwt({ header: { kid: [kid, kid] }, claims, key })],
      [
        'a key of its own with it',
        () => forgeJwt({ header: { kid, jwk: { kty: 'oct', k: 'eA' } }, claims, key: 'x' }),
      ],
      ['a key of its own elsewhere', () => forgeJwt({ header: { kid, jku: server.url }, claims, key: 'x' })],
      ['another issuer', () => forgeJwt({ header: { kid }, claims: { ...claims, iss: 'evil' }, key })],
      [
        'another audience',
        () => forgeJwt({ header: { kid }, claims: { ...claims, aud: 'password-reset' }, key }),
      ],
      ['part of the audience', () => forgeJwt({ header: { kid }, claims: { ...claims, aud: 'acc' }, key })],
      ['its time over', () => forgeJwt({ header: { kid }, claims: { ...claims, exp: 1_000_000_000 }, key })],
      ['no end', () => forgeJwt({ header: { kid }, claims: { ...claims, exp: undefined }, key })],
      [
        'a word for an end',
        () => forgeJwt({ header: { kid }, claims: { ...claims, exp: '9999999999' }, key }),
      ],
      ['an end beyond all dates', () => forgeJwt({ header: { kid }, claims: { ...claims, exp: 1e30 }, key })],
      [
        'the id of no session',
        () => forgeJwt({ header: { kid }, claims: { ...claims, jti: randomUUID() }, key }),
      ],
      ['no id', () => forgeJwt({ header: { kid }, claims: { ...claims, jti: undefined }, key })],
      [
        'an object for an id',
        () => forgeJwt({ header: { kid }, claims: { ...claims, jti: { $ne: null } }, key }),
      ],
      [
        'a query for an id',
        () => forgeJwt({ header: { kid }, claims: { ...claims, jti: { _type: 'not' } }, key }),
      ],
      [
        'a list for an id',
        () => forgeJwt({ header: { kid }, claims: { ...claims, jti: [claims['jti']] }, key }),
      ],
      ['SQL for an id', () => forgeJwt({ header: { kid }, claims: { ...claims, jti: "' OR '1'='1" }, key })],
      ['null for claims', () => forgeJwt({ header: { kid }, claims: null, key })],
      ['a text for claims', () => forgeJwt({ header: { kid }, claims: 'susan', key })],
      ['a letter less', () => good.slice(0, -1)],
      ['a letter more', () => `${good}A`],
      ['no signature part', () => good.slice(0, good.lastIndexOf('.'))],
      ['a fourth part', () => `${good}.e30`],
      ['a second token behind it', () => `${good} ${good}`],
      ['12 kB of letters', () => 'A'.repeat(12_000)],
      ['nothing in it', () => ''],
      ['only dots', () => '..'],
    ])('with %s is refused', async (_, forge) => {
      await refuses(forge());
    });

    it.each<[string, (token: string) => string]>([
      ['as Basic', (token) => `Basic ${token}`],
      ['without a scheme', (token) => token],
      ['in quotes', (token) => `Bearer "${token}"`],
      ['as a parameter', (token) => `Bearer token=${token}`],
      ['after a comma', (token) => `Basic x, Bearer ${token}`],
    ])('%s is refused', async (_, authorization) => {
      await refusesBearer(authorization(good));
    });

    it('of a reset link signs nobody in, and an access token resets nothing', async () => {
      const user = await server.createUser();
      const resetToken = await server.tokenFor(user);
      await refuses(resetToken);
      const accessToken = await server.accessTokenFor(user);
      expect((await server.look(accessToken).expect(400)).body).toMatchObject({
        code: 'RESET_TOKEN_INVALID',
      });
      await server.confirm(accessToken, 'staple battery horse correct').expect(400);
      await server.login(user.email, PASSWORD).expect(200);
      await server.look(resetToken).expect(200);
    });

    it('of another installation is refused', async () => {
      const other = await TestApp.start({ adapter });
      try {
        await other.me(good).expect(401);
      } finally {
        await other.stop();
      }
    });

    it('of the previous secret lives on when the secret is changed', async () => {
      const rotated = await TestApp.start({ adapter, settings: { previousSecretKeys: [SECRET] } });
      try {
        await rotated.me(good).expect(200);
      } finally {
        await rotated.stop();
      }
    });

    it('of a megabyte is cut off, and the next one is served', async () => {
      const head = `GET /api/users/me HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer `;
      const answer = await writeToSocket(server.url, `${head}${'A'.repeat(1_000_000)}\r\n\r\n`);
      expect(answer).toMatch(/^(HTTP\/1\.1 4(01|31) .*|)$/m);
      expect(answer).not.toMatch(/HTTP\/1\.1 [25]/);
      await server.me(good).expect(200);
    });

    it('is read from the Authorization header and from nowhere else', async () => {
      const asks = [
        server.http.get('/api/users/me').query({ access_token: good, token: good, accessToken: good }),
        server.http.get('/api/users/me').query({ authorization: `Bearer ${good}` }),
        server.http
          .get('/api/users/me')
          .set(
            'Cookie',
            ['latchkey', 'token', 'access_token', 'Authorization']
              .map((name) => `${name}=${good}`)
              .join('; '),
          ),
        server.http
          .get('/api/users/me')
          .set('X-Access-Token', good)
          .set('Proxy-Authorization', `Bearer ${good}`),
        server.http.post('/api/auth/logout').query({ access_token: good }),
        server.http.post('/api/auth/logout').send({ access_token: good, accessToken: good }),
        server.http.post('/api/auth/logout').type('form').send({ access_token: good }),
      ];
      for (const { status } of await Promise.all(asks)) expect(status).toBe(401);
      await server.me(good).expect(200);
    });

    it('is asked for however the path is written', async () => {
      const paths = [
        '/api/users/me/',
        '/api/users/me?',
        '/api/users/me;x',
        '/api/users/%6de',
        '/api/users/m%65?x=/api/auth/login',
        '/API/users/me',
        '//api/users/me',
        '/api//users/me',
        '/api/./users/me',
        '/api/auth/../users/me',
        '/api/auth/login/../../users/me',
        '/api/users/me%2f',
        '/api/users/me%00',
        '/api\\users\\me',
        `${server.url}/api/users/me`,
      ];
      for (const path of paths) {
        for (const method of ['GET', 'HEAD']) {
          const { status, text } = await sendAsIs(server.url, path, { method });
          expect({ path, refused: [400, 401, 404].includes(status), text }).toMatchObject({
            path,
            refused: true,
          });
        }
      }
    });

    it('opens the same to HEAD as to GET, without the body', async () => {
      const answer = await server.http
        .head('/api/users/me')
        .set('Authorization', `Bearer ${good}`)
        .expect(200);
      expect(answer.text ?? '').toBe('');
      await server.http.head('/api/users/me').expect(401);
    });
  });

  describe('a hash that was made in a weaker way is replaced at the next sign-in', () => {
    const OURS = /^\$hmac-sha384\$none\$2b\$04\$/;

    it.each(['$2a$', '$2b$', '$2y$'])('one of another system that begins with %s', async (prefix) => {
      const user = await server.createUser();
      const imported = bcrypt.hashSync(PASSWORD, 4).replace('$2b$', prefix);
      await setHash(user, imported);
      await server.login(user.email, 'a wrong password').expect(401);
      expect(await hashOf(user)).toBe(imported);

      const token = await server.accessTokenFor(user);
      expect(await hashOf(user)).toMatch(OURS);
      await server.login(user.email, PASSWORD).expect(200);
      await server.login(user.email, 'a wrong password').expect(401);
      // The password is the same, so nothing that was begun with it ends.
      await server.me(token).expect(200);
    });

    it('and what cannot be read is counted by the query of docs/run.md, and it alone', async () => {
      const page = readFileSync(resolve(__dirname, '..', '..', 'docs', 'run.md'), 'utf8');
      const query = /^SELECT count\(\*\) FROM latchkey\.users WHERE [^;]+;/m.exec(page)![0];
      const count = async () => Number((await server.database.query<[{ count: string }]>(query))[0].count);
      const user = await server.createUser();
      const before = await count();
      const plain = bcrypt.hashSync(PASSWORD, 4);
      for (const readable of [plain, plain.replace('$2b$', '$2y$'), `$hmac-sha384$none${plain}`, '!']) {
        await setHash(user, readable);
        expect(await count()).toBe(before);
      }
      for (const unreadable of [
        `bcrypt$${plain}`,
        `{bcrypt}${plain}`,
        '$argon2id$v=19$m=1,t=1,p=1$c2Fs$aGFzaA',
      ]) {
        await setHash(user, unreadable);
        expect(await count()).toBe(before + 1);
        await server.login(user.email, PASSWORD).expect(401);
      }
    });

    it('never for a disabled account', async () => {
      const user = await server.createUser();
      const imported = bcrypt.hashSync(PASSWORD, 4);
      await setHash(user, imported);
      await disable(user);
      await server.login(user.email, PASSWORD).expect(401);
      expect(await hashOf(user)).toBe(imported);
    });

    it.each<[string, { bcryptCost?: number; pepper?: string }, RegExp]>([
      ['when hashes are made at a higher cost', { bcryptCost: 5 }, /^\$hmac-sha384\$none\$2b\$05\$/],
      [
        'when there is a pepper for the first time',
        { pepper: 'mill-9Xw4Lr8Vb1Nc6Hd3Jf5Gs0Pyk7Qm' },
        /^\$hmac-sha384\$[0-9a-f]{8}\$2b\$04\$/,
      ],
    ])('%s', async (_, settings, upgraded) => {
      const user = await server.createUser();
      expect(await hashOf(user)).toMatch(OURS);
      const later = await TestApp.start({ adapter, settings });
      try {
        await later.login(user.email, 'a wrong password').expect(401);
        expect(await hashOf(user)).toMatch(OURS);
        await later.login(user.email, PASSWORD).expect(200);
        expect(await hashOf(user)).toMatch(upgraded);
        await later.login(user.email, PASSWORD).expect(200);
        await later.login(user.email, 'a wrong password').expect(401);
      } finally {
        await later.stop();
      }
    });
  });
});

describe.each<AdapterName>(['fastify', 'express'])('a flood of sign-ins, on %s', (adapter) => {
  const [AT_A_TIME, WAITING] = [2, 3];
  let server: TestApp;

  beforeAll(async () => {
    const options = Object.assign(new UsersOptions(), {
      bcryptCost: 4,
      hashConcurrency: AT_A_TIME,
      hashQueueLimit: WAITING,
    });
    server = await TestApp.start({
      adapter,
      override: (builder) => builder.overrideProvider(UsersOptions).useValue(options),
    });
  });
  afterAll(() => server.stop());
  afterEach(() => jest.restoreAllMocks());

  /** Keeps every hash of the server waiting until it is let go. */
  function holdHashes(): () => void {
    const { compare } = bcrypt;
    let letGo = () => {};
    const held = new Promise<void>((resolve) => (letGo = resolve));
    const heldCompare = (password: string, hash: string) => held.then(() => compare(password, hash));
    jest.spyOn(bcrypt, 'compare').mockImplementation(heldCompare as never);
    return letGo;
  }

  it('gets honest refusals, and keeps nobody else from anything', async () => {
    const user = await server.createUser();
    const session = await server.accessTokenFor(user);
    const link = await server.tokenFor(user);
    const mails = server.mails.countTo(user.email);
    // Each to an account of its own: so many at once to one are taken for guesses.
    const crowd: string[] = [];
    while (crowd.length < 20) crowd.push((await server.createUser()).email);
    const letGo = holdHashes();
    const answers: Response[] = [];
    const flood = crowd.map(async (email) => {
      answers.push(await server.login(email, PASSWORD));
    });
    await until(() => answers.length === 20 - AT_A_TIME - WAITING, 'the refusals');

    for (const answer of answers) {
      expect(answer.type).toBe('application/problem+json');
      expect(answer.body).toMatchObject({ status: 503, code: 'OVERLOADED' });
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    }
    await server.me(session).expect(200);
    await server.look(link).expect(200);
    await server.ask(user.email).expect(202);
    await server.mails.next(user.email, mails);
    await server.http.get('/health/ready').expect(200);
    const confirmation = await server.confirm(link, 'staple battery horse correct').expect(503);
    expect(confirmation.body).toMatchObject({ code: 'OVERLOADED' });
    expect(Number(confirmation.headers['retry-after'])).toBeGreaterThan(0);

    letGo();
    await Promise.all(flood);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(AT_A_TIME + WAITING);
    await server.confirm(link, 'staple battery horse correct').expect(204);
    await server.login(user.email, 'staple battery horse correct').expect(200);
  });

  it('refuses known and unknown addresses alike', async () => {
    const user = await server.createUser();
    const letGo = holdHashes();
    const answers: Response[] = [];
    const flood = Array.from({ length: AT_A_TIME + WAITING + 1 }, async () => {
      answers.push(await server.login(user.email, PASSWORD));
    });
    await until(() => answers.length === 1, 'a refusal');
    for (const email of [user.email, `${randomUUID()}@example.com`])
      await server
        .login(email, PASSWORD)
        .expect(503)
        .expect('Retry-After', /^[1-9]\d*$/);
    letGo();
    await Promise.all(flood);
  });
});
