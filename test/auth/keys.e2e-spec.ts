import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Keyring } from '../../src/common';
import { SignedTokens } from '../../src/links';
import type { Settings } from '../../src/server/settings';
import { Account } from '../support/account';
import { forgeJwt, readJwt } from '../support/jwt';
import { runProgram, temporaryFolder } from '../support/program';
import { Registrations } from '../support/registrations';
import { notMeTokenIn, PASSWORD, TestApp } from '../support/test-app';

const SECRET = 'k7Qm2Zt9Xw4Lr8Vb1Nc6Hd3Jf5Gs0Py-keys';
const NEW_SECRET = 'Tq5Wn8Bz3Ky6Fx1Mv9Rc4Gd7Hs2Jp0L-keys';
const NEW_PASSWORD = 'staple battery horse correct';

/** Everything that the server signs, and what it is signed for where it is a token. */
const PURPOSES = {
  access: 'access',
  reset: 'password-reset',
  disavowal: 'password-reset-disavowal',
  registration: 'registration',
  confirmation: 'email-change-confirm',
  cancellation: 'email-change-cancel',
};
type TokenKind = keyof typeof PURPOSES;
type Kind = TokenKind | 'form' | 'preSession' | 'flash';

const kinds = Object.keys(PURPOSES) as TokenKind[];

interface Form {
  cookie: string;
  csrf: string;
}

/** The sign-in form of somebody who is not signed in. */
async function openForm(server: TestApp): Promise<Form> {
  const page = await server.http.get('/login').expect(200);
  const [cookie] = page.get('Set-Cookie')!;
  return { cookie: cookie!.split(';')[0]!, csrf: /name="_csrf" value="([^"]+)"/.exec(page.text)![1]! };
}

/** Whether a form that says so is taken for one of ours. */
async function takesForm(server: TestApp, { cookie, csrf }: Form): Promise<boolean> {
  const form = { _csrf: csrf, email: 'nobody@example.com', password: 'x' };
  const { status } = await server.http.post('/login').set('Cookie', cookie).type('form').send(form);
  expect([401, 403]).toContain(status);
  return status === 401;
}

/** One of each token, out of real answers and real mails, of a person each. */
async function collectTokens(server: TestApp): Promise<Record<TokenKind, string>> {
  const account = new Account(server);
  const someAddress = () => Registrations.someAddress();
  // First, since it moves the clock by more than a reset link lives.
  const registration = await new Registrations(server).tokenFor(someAddress());
  const disavowing = await server.createUser();
  await server.ask(disavowing.email).expect(202);
  const asked = await server.mails.next(disavowing.email);
  const moving = await account.emailChangeTokens(await server.createUser(), someAddress());
  const staying = await account.emailChangeTokens(await server.createUser(), someAddress());
  return {
    access: await server.accessTokenFor(await server.createUser()),
    reset: await server.tokenFor(await server.createUser()),
    disavowal: notMeTokenIn(asked.text),
    registration,
    confirmation: moving.confirm,
    cancellation: staying.cancel,
  };
}

interface Door {
  opensTo: Kind;
  /** Whether the door opens; fails where it answers as no door should. */
  open: (server: TestApp, token: string) => Promise<boolean>;
}

const bearer =
  (method: 'get' | 'delete', path: string, ...open: number[]) =>
  async (server: TestApp, token: string) => {
    const { status } = await server.http[method](path).set('Authorization', `Bearer ${token}`);
    expect([...open, 401]).toContain(status);
    return status !== 401;
  };

const body =
  (path: string, more: object = {}) =>
  async (server: TestApp, token: string) => {
    const { status } = await server.http.post(path).send({ token, ...more });
    expect([200, 204, 400, 410]).toContain(status);
    return status < 300;
  };

/** A page shows its form, or leads away. */
const page = (path: string) => async (server: TestApp, token: string) => {
  const { status } = await server.http.get(`${path}/${encodeURIComponent(token)}`);
  expect([200, 303, 400, 404]).toContain(status);
  return status === 200;
};

/** Whatever takes a token; those that spend it come last. */
const DOORS: Record<string, Door> = {
  'GET /api/users/me': { opensTo: 'access', open: bearer('get', '/api/users/me', 200) },
  'GET /api/sessions': { opensTo: 'access', open: bearer('get', '/api/sessions', 200) },
  'DELETE /api/sessions/:id': {
    opensTo: 'access',
    open: bearer('delete', `/api/sessions/${randomUUID()}`, 400),
  },
  'the session cookie': {
    opensTo: 'access',
    open: async (server, token) => {
      const { status } = await server.http.get('/account').set('Cookie', `latchkey=${token}`);
      expect([200, 303]).toContain(status);
      return status === 200;
    },
  },
  'the field of a form': {
    opensTo: 'form',
    open: async (server, token) => {
      const { cookie } = await openForm(server);
      const [formCookie, csrf] = token.split(' ');
      return csrf
        ? takesForm(server, { cookie: formCookie!, csrf })
        : takesForm(server, { cookie, csrf: token });
    },
  },
  'the cookie of a form': {
    opensTo: 'preSession',
    open: async (server, token) => {
      const { csrf } = await openForm(server);
      const [cookie, formCsrf] = token.split(' ');
      return takesForm(
        server,
        formCsrf ? { cookie: cookie!, csrf: formCsrf } : { cookie: `latchkey-pre=${token}`, csrf },
      );
    },
  },
  'the cookie of a message': {
    opensTo: 'flash',
    open: async (server, token) => {
      const { text } = await server.http.get('/login').set('Cookie', `latchkey-flash=${token}`).expect(200);
      return text.includes('role="status"');
    },
  },
  'POST /api/password-reset/verify': { opensTo: 'reset', open: body('/api/password-reset/verify') },
  'GET /reset_password/:token': { opensTo: 'reset', open: page('/reset_password') },
  'GET /not_me/:token': { opensTo: 'disavowal', open: page('/not_me') },
  'GET /verify_email/:token': { opensTo: 'registration', open: page('/verify_email') },
  'GET /confirm_email/:token': { opensTo: 'confirmation', open: page('/confirm_email') },
  'GET /cancel_email/:token': { opensTo: 'cancellation', open: page('/cancel_email') },
  'POST /api/password-reset/confirm': {
    opensTo: 'reset',
    open: body('/api/password-reset/confirm', { password: NEW_PASSWORD }),
  },
  'POST /api/password-reset/disavow': { opensTo: 'disavowal', open: body('/api/password-reset/disavow') },
  'POST /api/users/verify': {
    opensTo: 'registration',
    open: body('/api/users/verify', { password: PASSWORD }),
  },
  'POST /api/email-change/cancel': { opensTo: 'cancellation', open: body('/api/email-change/cancel') },
  'POST /api/email-change/confirm': {
    opensTo: 'confirmation',
    open: body('/api/email-change/confirm', { password: PASSWORD }),
  },
};
const doors = Object.entries(DOORS);
const tokenDoors = doors.filter(([, { opensTo }]) => opensTo in PURPOSES) as [
  string,
  Door & { opensTo: TokenKind },
][];

describe('everything that is signed', () => {
  let server: TestApp;
  let tokens: Record<Kind, string>;

  beforeAll(async () => {
    server = await TestApp.start({ settings: { secretKey: SECRET } });
    const form = await openForm(server);
    tokens = {
      ...(await collectTokens(server)),
      form: form.csrf,
      preSession: form.cookie.split('=')[1]!,
      flash: 'checkEmail',
    };
  });
  afterAll(() => server.stop());

  it.each(doors)('opens one kind of door only: %s', async (_, { opensTo, open }) => {
    const others = (Object.keys(tokens) as Kind[]).filter((kind) => kind !== opensTo);
    const accepted = [];
    for (const kind of others) if (await open(server, tokens[kind])) accepted.push(kind);
    expect(accepted).toEqual([]);
  });

  it.each(tokenDoors)(
    'is signed for one purpose, though it names the very record: %s',
    async (_, { opensTo, open }) => {
      const { id, exp } = recordOf(tokens[opensTo]);
      const signer = server.app.get(SignedTokens);
      const accepted = [];
      for (const kind of kinds.filter((kind) => kind !== opensTo)) {
        if (await open(server, signer.sign(PURPOSES[kind], id, new Date(exp * 1000)))) accepted.push(kind);
      }
      expect(accepted).toEqual([]);
    },
  );

  describe.each(tokenDoors)('when it is forged: %s', (_, { opensTo, open }) => {
    const forgeries: [string, (genuine: Genuine) => string][] = [
      ...['none', 'None', 'NONE', 'nOnE', 'none ', ''].flatMap((alg) => [
        forgery(`alg "${alg}", unsigned`, (t) =>
          forgeJwt({ ...t, header: { ...t.header, alg }, key: undefined }),
        ),
        forgery(`alg "${alg}", signed`, (t) => forgeJwt({ ...t, header: { ...t.header, alg } })),
      ]),
      ...['HS384', 'HS512', 'RS256', 'PS256', 'ES256', 'EdDSA', 'hs256', 'HS1'].map((alg) =>
        forgery(`alg ${alg} with our key`, (t) => forgeJwt({ ...t, header: { ...t.header, alg } })),
      ),
      forgery('no alg', (t) => forgeJwt({ ...t, header: { ...t.header, alg: undefined } })),
      forgery('alg as a list', (t) => forgeJwt({ ...t, header: { ...t.header, alg: ['HS256'] } })),
      ...['', SECRET, '\0', 'secret'].map((key) =>
        forgery(`the key ${JSON.stringify(key)}`, (t) => forgeJwt({ ...t, key })),
      ),
      ...[undefined, null, '', 0, '..', '../../../dev/null', "x' OR '1'='1", '__proto__', {}, ['x']].map(
        (kid) =>
          forgery(`kid ${JSON.stringify(kid)}`, (t) => forgeJwt({ ...t, header: { ...t.header, kid } })),
      ),
      forgery('a key in the header', (t) =>
        forgeJwt({ ...t, header: { ...t.header, jwk: { kty: 'oct', k: 'eA' } }, key: 'x' }),
      ),
      forgery('what it calls critical', (t) => forgeJwt({ ...t, header: { ...t.header, crit: ['exp'] } })),
      ...[undefined, null, '9999999999', -1, 0, 1, 1e30, 1.5, [9_999_999_999], {}].map((exp) =>
        forgery(`exp ${JSON.stringify(exp)}`, (t) => forgeJwt({ ...t, claims: { ...t.claims, exp } })),
      ),
      ...[undefined, null, 'now', {}].map((iat) =>
        forgery(`iat ${JSON.stringify(iat)}`, (t) => forgeJwt({ ...t, claims: { ...t.claims, iat } })),
      ),
      forgery('a start to come', (t) => forgeJwt({ ...t, claims: { ...t.claims, nbf: 9_999_999_999 } })),
      ...[undefined, 'latchke', 'latchkey.evil', ['evil'], null].map((iss) =>
        forgery(`iss ${JSON.stringify(iss)}`, (t) => forgeJwt({ ...t, claims: { ...t.claims, iss } })),
      ),
      ...[undefined, '', 'acc', ['evil'], null].map((aud) =>
        forgery(`aud ${JSON.stringify(aud)}`, (t) => forgeJwt({ ...t, claims: { ...t.claims, aud } })),
      ),
      ...[undefined, null, '', 0, {}, { $ne: null }, ["' OR '1'='1"], "' OR '1'='1", randomUUID()].map(
        (jti) =>
          forgery(`jti ${JSON.stringify(jti)}`, (t) => forgeJwt({ ...t, claims: { ...t.claims, jti } })),
      ),
      ...[null, 'susan', [], 1].map((claims) =>
        forgery(`claims ${JSON.stringify(claims)}`, (t) => forgeJwt({ ...t, claims })),
      ),
      forgery('no signature', (t) => t.token.slice(0, t.token.lastIndexOf('.') + 1)),
      forgery('no signature part', (t) => t.token.slice(0, t.token.lastIndexOf('.'))),
      forgery('a fourth part', (t) => `${t.token}.e30`),
      forgery('a letter less', (t) => t.token.slice(0, -1)),
      forgery('a letter more', (t) => `${t.token}A`),
      forgery('capitals', (t) => t.token.toUpperCase()),
      forgery('the serialization as JSON', (t) => {
        const [header, payload, signature] = t.token.split('.');
        return JSON.stringify({ payload, signatures: [{ protected: header, signature }] });
      }),
      ...['', '.', '..', 'null', 'undefined', '0', '%00'].map((text) => forgery(`"${text}"`, () => text)),
    ];

    it('is refused in every way', async () => {
      const genuine = genuineOf(tokens[opensTo], opensTo);
      // So that the forgeries differ in one thing each, and not in all of them.
      expect(forgeJwt(genuine)).toHaveLength(tokens[opensTo].length);
      const accepted = [];
      for (const [name, forge] of forgeries) if (await open(server, forge(genuine))) accepted.push(name);
      expect(accepted).toEqual([]);
    });

    it('asks nobody for a key', async () => {
      const visits: string[] = [];
      const evil = createServer((request, response) => {
        visits.push(request.url!);
        response.end(JSON.stringify({ keys: [{ kty: 'oct', k: 'eA' }] }));
      }).listen(0, '127.0.0.1');
      await once(evil, 'listening');
      const url = `http://127.0.0.1:${(evil.address() as AddressInfo).port}/jwks.json`;
      const { header, claims } = genuineOf(tokens[opensTo], opensTo);
      for (const name of ['jku', 'x5u', 'kid', 'iss'])
        expect(await open(server, forgeJwt({ header: { ...header, [name]: url }, claims, key: 'x' }))).toBe(
          false,
        );
      evil.closeAllConnections();
      evil.close();
      expect(visits).toEqual([]);
    });
  });

  // Last: what was refused above was refused for what was wrong with it.
  it.each(doors)('opens its own: %s', async (_, { opensTo, open }) => {
    const form = await openForm(server);
    const isForm = opensTo === 'form' || opensTo === 'preSession';
    expect(await open(server, isForm ? `${form.cookie} ${form.csrf}` : tokens[opensTo])).toBe(true);
  });
});

interface Genuine {
  token: string;
  header: { kid: string };
  claims: Record<string, unknown>;
  key: Buffer | string;
}

/** Gives the forgery a name, and its maker what is needed to make a genuine one. */
function forgery(name: string, forge: (genuine: Genuine) => string): [string, (genuine: Genuine) => string] {
  return [name, forge];
}

function genuineOf(token: string, kind: TokenKind): Genuine {
  const { id, key } = new Keyring({ secretKey: SECRET }).derive(PURPOSES[kind]).current;
  return { token, header: { kid: id }, claims: readJwt(token).claims, key };
}

function recordOf(token: string): { id: string; exp: number } {
  const { jti, exp } = readJwt(token).claims;
  return { id: jti as string, exp: exp as number };
}

/** Servers one after another on the same data, as when settings are changed. */
class Restarts {
  private server: TestApp | undefined;

  async start(settings: Partial<Settings>): Promise<TestApp> {
    await this.stop();
    return (this.server = await TestApp.start({ settings }));
  }

  async stop(): Promise<void> {
    await this.server?.stop();
    this.server = undefined;
  }
}

describe('a change of SECRET_KEY', () => {
  const restarts = new Restarts();
  let tokens: Record<TokenKind, string>;
  let form: Form;
  let sessionForm: Form;
  afterAll(() => restarts.stop());

  /** Of the tokens, those that still open all their doors. */
  const goodTokens = async (server: TestApp, given: Record<TokenKind, string>) => {
    const good = new Set(kinds);
    for (const [, { opensTo, open }] of tokenDoors)
      if (!(await open(server, given[opensTo]))) good.delete(opensTo);
    return [...good];
  };

  /** Whether a form of a signed-in person is taken for one: what is wrong in it is shown then. */
  const takesSessionForm = async (server: TestApp, { cookie, csrf }: Form) => {
    const { status } = await server.http
      .post('/change_email')
      .set('Cookie', cookie)
      .type('form')
      .send({ _csrf: csrf, email: 'no address' });
    expect([303, 400]).toContain(status);
    return status === 400;
  };

  beforeAll(async () => {
    const server = await restarts.start({ secretKey: SECRET });
    tokens = await collectTokens(server);
    form = await openForm(server);
    const cookie = `latchkey=${await server.accessTokenFor(await server.createUser())}`;
    const { text } = await server.http.get('/account').set('Cookie', cookie).expect(200);
    sessionForm = { cookie, csrf: /name="_csrf" value="([^"]+)"/.exec(text)![1]! };
  });

  it('without the previous one ends all that was signed with it', async () => {
    const server = await restarts.start({ secretKey: NEW_SECRET });
    expect(await goodTokens(server, tokens)).toEqual([]);
    expect(await takesForm(server, form)).toBe(false);
    expect(await takesSessionForm(server, sessionForm)).toBe(false);
  });

  it('with the previous one ends nothing: sessions, links of every kind, forms that are open', async () => {
    const server = await restarts.start({ secretKey: NEW_SECRET, previousSecretKeys: [SECRET] });
    expect(await takesForm(server, form)).toBe(true);
    expect(await takesSessionForm(server, sessionForm)).toBe(true);
    expect(await goodTokens(server, tokens)).toEqual(kinds);
  });

  it('signs what is new with the new one, which stays when the previous one is taken away', async () => {
    const before = await restarts.start({ secretKey: NEW_SECRET, previousSecretKeys: [SECRET] });
    const fresh = await collectTokens(before);
    const freshForm = await openForm(before);
    const after = await restarts.start({ secretKey: NEW_SECRET });
    expect(await takesForm(after, freshForm)).toBe(true);
    expect(await goodTokens(after, fresh)).toEqual(kinds);
  });
});

describe('a change of PASSWORD_PEPPER', () => {
  const [OLD, NEW] = ['pepper of the old days, 9Xw4Lr8Vb1Nc', 'pepper of the new days, 6Hd3Jf5Gs0Py'];
  const restarts = new Restarts();
  afterAll(() => restarts.stop());

  const hashes = async (server: TestApp, emails: string[]): Promise<string[]> => {
    const rows = await server.database.query<{ password_hash: string }[]>(
      'SELECT password_hash FROM latchkey.users WHERE email = ANY($1)',
      [emails],
    );
    return rows.map(({ password_hash }) => password_hash.slice(0, '$hmac-sha384$00000000'.length));
  };
  const logins = async (server: TestApp, emails: string[], password: string) => {
    const answers = await Promise.all(emails.map((email) => server.login(email, password)));
    return answers.map(({ status }) => status);
  };

  it('with the previous one fails nobody, and moves every password at its next sign-in', async () => {
    let server = await restarts.start({ pepper: OLD });
    const emails = await Promise.all(
      Array.from({ length: 10 }, async () => (await server.createUser()).email),
    );
    const oldHashes = await hashes(server, emails);
    const all = (status: number) => emails.map(() => status);

    server = await restarts.start({ pepper: NEW, previousPeppers: [OLD] });
    expect(await logins(server, emails, `${PASSWORD}!`)).toEqual(all(401));
    expect(await hashes(server, emails)).toEqual(oldHashes);
    expect(await logins(server, emails, PASSWORD)).toEqual(all(200));
    const newHashes = await hashes(server, emails);
    expect(new Set(newHashes).size).toBe(1);
    expect(newHashes[0]).not.toBe(oldHashes[0]);
    const late = await server.createUser();

    server = await restarts.start({ pepper: NEW });
    expect(await logins(server, [...emails, late.email], PASSWORD)).toEqual([...all(200), 200]);
    expect(await logins(server, emails, `${PASSWORD}!`)).toEqual(all(401));
  });

  it('without the previous one lets nobody in by it, until a reset', async () => {
    let server = await restarts.start({ pepper: OLD });
    const user = await server.createUser();
    server = await restarts.start({ pepper: NEW });
    expect(await logins(server, [user.email], PASSWORD)).toEqual([401]);
    await server.confirm(await server.tokenFor(user), NEW_PASSWORD).expect(204);
    expect(await logins(server, [user.email], NEW_PASSWORD)).toEqual([200]);
  });
});

describe('a start with a secret that is none', () => {
  it.each([
    ['SECRET_KEY', 'tooShort-4711'],
    ['SECRET_KEY', 'change-me-change-me-change-me-4711'],
    ['SECRET_KEY', 'ab'.repeat(32)],
    ['SECRET_KEY', ''],
    ['SECRET_KEY_PREVIOUS', 'tooShort-4711'],
    ['PASSWORD_PEPPER', 'tooShort-4711'],
    ['PASSWORD_PEPPER', 'an example of a pepper, to be replaced, 4711'],
  ])('does not happen, and names %s but not what it is: %j', async (name, value) => {
    const env = {
      NODE_ENV: 'production',
      PUBLIC_URL: 'https://id.example.com',
      DATABASE_URL: 'postgres://nobody@127.0.0.1:1/nothing',
      MAIL_SERVER: 'smtp.example.com',
      ADMINS: 'no-reply@latchkey.dev',
      SECRET_KEY: SECRET,
      [name]: value,
    };
    const { status, stdout, stderr } = await runProgram('main', { cwd: temporaryFolder(), env });
    expect(status).toBe(1);
    expect(stderr).toMatch(new RegExp(`^.*\\b${name}: must be`, 'm'));
    if (value) expect(stdout + stderr).not.toContain(value);
    expect(stdout + stderr).not.toContain(SECRET);
  });
});
