import PostalMime from 'postal-mime';
import { DataSource } from 'typeorm';
import { openDataSource } from '../../src/database';
import { migrate } from '../../src/migrate';
import { Canary } from '../support/canaries';
import { until } from '../support/mail-reader';
import { emptyDatabase, SpareDatabase } from '../support/database';
import { runProgram, ServerProcess, START_PATIENCE_MS, temporaryFolder } from '../support/program';
import { RawAnswer, writeToSocket } from '../support/raw-request';
import { SmtpSink } from '../support/smtp-sink';
import { csrfOf, QuietClient } from '../support/quiet-client';

const PUBLIC_URL = 'https://accounts.example';
const SESSION_COOKIE = '__Host-latchkey';
const PRE_SESSION_COOKIE = '__Host-latchkey-pre';

const SETTINGS = {
  SECRET_KEY: Canary.word('SECRET_KEY'),
  SECRET_KEY_PREVIOUS: Canary.word('SECRET_KEY_PREVIOUS'),
  PASSWORD_PEPPER: Canary.word('PASSWORD_PEPPER'),
  PASSWORD_PEPPER_PREVIOUS: Canary.word('PASSWORD_PEPPER_PREVIOUS'),
  MAIL_USERNAME: Canary.word('MAIL_USERNAME'),
  MAIL_PASSWORD: Canary.word('MAIL_PASSWORD'),
};
const DATABASE_PASSWORD = Canary.word('the password in DATABASE_URL');

const SHORT_KEY = new Canary('SECRET_KEY that is too short', Canary.word('').value.slice(0, 31));

/** Of a server that is not there: nobody listens on port 1. */
const databaseUrl = `postgres://postgres:${DATABASE_PASSWORD.value}@127.0.0.1:1/latchkey`;

/** Where somebody's address may rest. */
const WHERE_ADDRESSES_REST = /^latchkey\.(users|registrations|email_changes|jobs)$/;

describe('secrets that went through everything the server does', () => {
  let database: SpareDatabase;
  let sql: DataSource;
  let server: ServerProcess;
  let visitor: QuietClient;
  const sink = new SmtpSink({ secured: true });
  let port: number;

  /** What must come out nowhere. */
  const secrets: Canary[] = [...Object.values(SETTINGS), DATABASE_PASSWORD];
  /** What may rest where it is needed, and is told to nobody but its owner. */
  const addresses: Canary[] = [];
  /** Secrets found in answers, by request. */
  const told: string[] = [];

  const password = (name: string) => add(Canary.password(name)).value;
  const token = (name: string, value: string) => {
    secrets.push(...Canary.token(name, value));
    return value;
  };
  const address = (name: string) => {
    const local = Canary.word(name).value;
    addresses.push(new Canary(name, local));
    return `${local}@example.com`;
  };
  const add = (canary: Canary) => {
    secrets.push(canary);
    return canary;
  };
  /** An answer that gives a token to whom it belongs is heard before that token is a secret. */
  const hear = (request: string, { headers, text }: RawAnswer) => {
    const answer = JSON.stringify(headers) + text;
    const found = secrets.filter((secret) => secret.isIn(answer));
    told.push(...found.map(({ name }) => `${name}: ${request}`));
  };
  const newVisitor = () => new QuietClient(server.url, PUBLIC_URL, hear);

  beforeAll(async () => {
    // Of this spec alone, so that everything in it is ours.
    database = await emptyDatabase();
    await migrate(database.url);
    sql = await openDataSource({ url: database.url, poolSize: 1 });
    const url = new URL(database.url);
    url.password = DATABASE_PASSWORD.value;
    port = await sink.start();
    server = await ServerProcess.start({
      cwd: temporaryFolder(),
      env: environment(url.href, port),
    });
    visitor = newVisitor();
  }, START_PATIENCE_MS * 2);

  afterAll(async () => {
    await server?.stop();
    await sql?.destroy();
    await database?.close();
    await sink.stop();
  });

  /** The link of a kind in the mails to an address, after the `seen` mails that are known. */
  const linkTo = async (page: string, email: string, seen = 0) => {
    const link = new RegExp(`${PUBLIC_URL}/${page}/([\\w.-]+)`);
    const find = async () => {
      for (const { raw } of sink.to(email).slice(seen)) {
        const [, found] = link.exec((await PostalMime.parse(raw)).text ?? '') ?? [];
        if (found) return found;
      }
      return undefined;
    };
    await until(async () => (await find()) !== undefined, `${page} to ${email}`);
    return token(`${page} token`, (await find())!);
  };

  /** An account with a session, made as people make theirs. */
  const register = async () => {
    const [email, secret] = [address('address'), password('password')];
    await expectStatus(202, visitor.json('/api/users', { email, username: 'Susan', password: secret }));
    const link = await linkTo('verify_email', email);
    await expectStatus(204, visitor.json('/api/users/verify', { token: link, password: secret }));
    return { email, password: secret };
  };
  const login = async (email: string, secret: string) => {
    const answer = await visitor.json('/api/auth/login', { email, password: secret });
    expect(answer.status).toBe(200);
    return token('access token', (JSON.parse(answer.text) as { accessToken: string }).accessToken);
  };
  const bearer = (accessToken: string) => ({ authorization: `Bearer ${accessToken}` });
  const askFor = async (email: string) => {
    const seen = sink.to(email).length;
    await expectStatus(202, visitor.json('/api/password-reset', { email }));
    const reset = await linkTo('reset_password', email, seen);
    return { reset, notMe: await linkTo('not_me', email, seen) };
  };

  it('registration, recovery, changes and sessions by REST', async () => {
    const owner = await register();
    const session = await login(owner.email, owner.password);
    await expectStatus(200, visitor.get('/api/users/me', bearer(session)));
    await expectStatus(200, visitor.get('/api/sessions', bearer(session)));
    const changed = { currentPassword: owner.password, password: password('changed password') };
    const answer = await visitor.json('/api/users/me/password', changed, bearer(session));
    expect(answer.status).toBe(200);
    const next = token('access token', (JSON.parse(answer.text) as { accessToken: string }).accessToken);

    const { reset } = await askFor(owner.email);
    await expectStatus(200, visitor.json('/api/password-reset/verify', { token: reset }));
    const chosen = password('reset password');
    await expectStatus(204, visitor.json('/api/password-reset/confirm', { token: reset, password: chosen }));
    await expectStatus(204, visitor.json('/api/password-reset/confirm', { token: reset, password: chosen }));
    await expectStatus(401, visitor.get('/api/users/me', bearer(next)));

    const again = await login(owner.email, chosen);
    const email = address('new address');
    const change = { email, currentPassword: chosen };
    await expectStatus(202, visitor.json('/api/users/me/email', change, bearer(again)));
    await expectStatus(
      204,
      visitor.json('/api/email-change/confirm', {
        token: await linkTo('confirm_email', email),
        password: chosen,
      }),
    );
    const last = await login(email, chosen);
    const other = { email: address('address never confirmed'), currentPassword: chosen };
    const seen = sink.to(email).length;
    await expectStatus(202, visitor.json('/api/users/me/email', other, bearer(last)));
    const cancel = { token: await linkTo('cancel_email', email, seen) };
    await expectStatus(204, visitor.json('/api/email-change/cancel', cancel));

    const { notMe } = await askFor(email);
    await expectStatus(204, visitor.json('/api/password-reset/disavow', { token: notMe }));
    await expectStatus(204, visitor.json('/api/auth/logout', {}, bearer(await login(email, chosen))));
  });

  it('registration, recovery, changes and sessions by the pages', async () => {
    const [email, first] = [address('address'), password('password')];
    const browser = newVisitor();
    const fields = { email, username: 'Susan', password: first, password2: first };
    await expectStatus(
      422,
      browser.submit('/register', { ...fields, password2: password('another password') }),
    );
    await expectStatus(303, browser.submit('/register', fields));
    const link = `/verify_email/${await linkTo('verify_email', email)}`;
    await expectStatus(403, browser.submit(link, { password: password('wrong password') }));
    await expectStatus(303, browser.submit(link, { password: first }));
    await expectStatus(401, browser.submit('/login', { email, password: password('wrong password') }));
    add(new Canary('cookie before the sign-in', browser.cookie(PRE_SESSION_COOKIE)));
    await expectStatus(303, browser.submit('/login', { email, password: first }));
    token('access token', browser.cookie(SESSION_COOKIE));
    for (const page of ['/', '/account', '/change_email']) await expectStatus(200, browser.get(page));
    const second = password('changed password');
    const change = { currentPassword: first, password: second, password2: second };
    await expectStatus(303, browser.submit('/change_password', change));
    token('access token', browser.cookie(SESSION_COOKIE));
    const newEmail = address('new address');
    await expectStatus(303, browser.submit('/change_email', { email: newEmail, currentPassword: second }));
    const confirm = `/confirm_email/${await linkTo('confirm_email', newEmail)}`;
    await expectStatus(303, browser.submit(confirm, {}));

    const seen = sink.to(newEmail).length;
    const stranger = newVisitor();
    await expectStatus(303, stranger.submit('/reset_password_request', { email: newEmail }));
    const reset = `/reset_password/${await linkTo('reset_password', newEmail, seen)}`;
    const third = password('reset password');
    await expectStatus(422, stranger.submit(reset, { password: third, password2: password('other') }));
    await expectStatus(303, stranger.submit(reset, { password: third, password2: third }));
    await expectStatus(303, stranger.get(reset));
    const notMe = `/not_me/${await linkTo('not_me', newEmail, seen)}`;
    await expectStatus(303, stranger.submit(notMe, {}));
    expect(csrfOf((await stranger.get('/login')).text)).toBeTruthy();
  });

  it('requests that are wrong in every way we know', async () => {
    const { email, password: right } = await register();
    const session = await login(email, right);
    const { reset, notMe } = await askFor(email);
    const secret = password('misplaced password');
    const routes = [
      ['/api/auth/login', { email, password: secret }],
      ['/api/users', { email, username: 'Susan', password: secret }],
      ['/api/users/verify', { token: reset, password: secret }],
      ['/api/users/me/password', { currentPassword: right, password: secret }],
      ['/api/users/me/email', { email, currentPassword: secret }],
      ['/api/password-reset', { email }],
      ['/api/password-reset/verify', { token: notMe }],
      ['/api/password-reset/confirm', { token: notMe, password: secret }],
      ['/api/password-reset/disavow', { token: reset }],
      ['/api/email-change/confirm', { token: session }],
      ['/api/email-change/cancel', { token: session }],
    ] as const;
    for (const [path, body] of routes) {
      const text = JSON.stringify(body);
      const query = new URLSearchParams(body).toString();
      const wrong = Object.entries(body).map(([name, value]) => [name, [value]]);
      await visitor.json(path, body);
      await visitor.json(path, { ...body, unknown: secret, isAdmin: reset });
      await visitor.json(path, Object.fromEntries(wrong), bearer(session));
      await visitor.json(path, text.slice(0, -2), bearer(session));
      await visitor.json(path, `${text}}`, bearer(session));
      await visitor.json(path, JSON.stringify(text), bearer(session));
      await visitor.json(path, { ...body, padding: 'x'.repeat(70_000) });
      await visitor.json(path, text, { 'content-type': 'text/plain', ...bearer(session) });
      await visitor.json(path, query, { 'content-type': 'application/x-www-form-urlencoded' });
      await visitor.json(path, text, bearer(secret));
      await visitor.json(path, text, { authorization: `Basic ${btoa(`susan:${encodeURI(secret)}`)}` });
      await visitor.json(path, text, bearer(reset));
      await visitor.json(path, text, bearer(session), 'PUT');
      await visitor.get(`${path}?${query}`, bearer(session));
      await visitor.get(`${path}/${reset}`);
      await visitor.get(`/nothing/here/${reset}?token=${notMe}`);
    }
    const pages = ['reset_password', 'verify_email', 'confirm_email', 'cancel_email', 'not_me'];
    for (const page of pages) {
      for (const wrong of [session, `${reset}x`, reset.repeat(4), `%E0%A4${reset}`, `${reset}/${notMe}`]) {
        await visitor.get(`/${page}/${wrong}`);
        await visitor.form(`/${page}/${wrong}`, { password: secret, password2: secret });
      }
      await visitor.form(`/${page}/${reset}`, { password: secret }, { origin: 'https://evil.example' });
      await visitor.json(`/${page}/${reset}`, { password: secret });
    }
    for (const page of ['login', 'register', 'change_password', 'change_email', 'reset_password_request']) {
      await visitor.get(`/${page}?email=${email}&password=${encodeURIComponent(secret)}`);
      await visitor.form(`/${page}`, { email, password: secret, _csrf: reset });
      await newVisitor().submit(`/${page}`, { email, password: secret, password2: secret }, '/login');
      await newVisitor().submit(`/${page}`, { email, currentPassword: secret }, '/login');
    }
    await visitor.get('/', { cookie: `${SESSION_COOKIE}=${reset}; flash=${encodeURIComponent(secret)}` });
    await visitor.get('/', {
      'x-secret': secret.replace(/[^a-z]/g, ''),
      referer: `${PUBLIC_URL}/reset_password/${reset}`,
    });
    for (const message of [
      `GET /reset_password/${reset} HTTP/9.9\r\n\r\n`,
      `${reset} / HTTP/1.1\r\n\r\n`,
      `GET / HTTP/1.1\r\nHost: x\r\nCookie: ${reset.repeat(300)}\r\n\r\n`,
      `GET /reset_password/${reset} HTTP/1.1\r\n${notMe}\r\n\r\n`,
    ]) {
      const text = await writeToSocket(server.url, message);
      hear(message.slice(0, 40), { status: 0, headers: {}, text });
    }
    await expectStatus(200, visitor.get('/api/users/me', bearer(session)));
  }, 120_000);

  it('a mail server that refuses, quotes the recipient, refuses our name, or is gone', async () => {
    const { email } = await register();
    const ask = () => visitor.json('/api/password-reset', { email });
    const attempts = () => logLines().filter(({ act }) => act === 'mail_deferred' || act === 'mail_bounced');
    const failing = async (work: () => Promise<unknown>) => {
      const before = attempts().length;
      await work();
      await until(() => attempts().length > before, 'a mail that fails');
    };
    sink.verdict = () => ({ code: 550, text: `<${email}>: no such user here` });
    await failing(ask);
    sink.verdict = () => ({ code: 451, text: `<${email}>: greylisted, come back later` });
    await failing(ask);
    sink.verdict = () => undefined;
    await sink.stop();
    await sink.start(port);
    sink.accepts = false;
    await failing(ask);
    sink.accepts = true;
    await sink.stop();
    await failing(ask);
    await sink.start(port);
  }, 60_000);

  it('tables that are away', async () => {
    const { email, password: right } = await register();
    const session = await login(email, right);
    const { reset, notMe } = await askFor(email);
    const wanted = password('password for a broken database');
    for (const table of [
      'users',
      'sessions',
      'password_resets',
      'registrations',
      'email_changes',
      'limit_counters',
      'audit_events',
    ]) {
      await sql.query(`ALTER TABLE latchkey.${table} RENAME TO away`);
      await visitor.json('/api/auth/login', { email, password: right });
      await visitor.json('/api/users', { email: address('address'), username: 'Susan', password: wanted });
      await visitor.json('/api/password-reset', { email });
      await visitor.json('/api/password-reset/confirm', { token: reset, password: 'short' });
      await visitor.json('/api/password-reset/disavow', { token: `${notMe}x` });
      await visitor.json('/api/users/me/email', { email: wanted, currentPassword: right }, bearer(session));
      await visitor.get('/api/users/me', bearer(session));
      await visitor.get(`/reset_password/${reset}`);
      await newVisitor().submit('/login', { email, password: right });
      await sql.query(`ALTER TABLE latchkey.away RENAME TO ${table}`);
    }
    await sql.query(
      'ALTER TABLE latchkey.password_resets ADD CONSTRAINT never CHECK (used_at IS NULL) NOT VALID',
    );
    await expectStatus(500, visitor.json('/api/password-reset/confirm', { token: reset, password: wanted }));
    await sql.query('ALTER TABLE latchkey.password_resets DROP CONSTRAINT never');
    await expectStatus(200, visitor.get('/api/users/me', bearer(session)));
  }, 60_000);

  /** Every row of every table, as text. */
  const dump = async () => {
    const tables = await sql.query<{ name: string }[]>(
      `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
       WHERE schemaname NOT IN ('pg_catalog', 'information_schema')`,
    );
    const contents: { table: string; rows: string }[] = [];
    for (const { name: table } of tables) {
      const rows = await sql.query<{ row: string }[]>(`SELECT t::text AS row FROM ${table} t`);
      contents.push({ table, rows: rows.map(({ row }) => row).join('\n') });
    }
    expect(contents.length).toBeGreaterThan(10);
    return contents;
  };
  const logLines = () =>
    server.stdout
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Record<string, unknown>);

  it('are in no answer', () => {
    expect(told).toEqual([]);
  });

  it('are in no line of the log, and neither is an address', () => {
    expect(secrets.length).toBeGreaterThan(50);
    expect(logLines().length).toBeGreaterThan(300);
    for (const { time } of logLines()) expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(server.stderr).toBe('');
    const found = [...secrets, ...addresses].filter((canary) => canary.isIn(server.stdout));
    expect(found.map(({ name }) => name)).toEqual([]);
    expect(server.stdout).not.toMatch(/\$2[ab]\$/);
  });

  it('rest in no table, and an address only where it is needed', async () => {
    const found = (await dump()).flatMap(({ table, rows }) => {
      const unwanted = WHERE_ADDRESSES_REST.test(table) ? secrets : [...secrets, ...addresses];
      return unwanted.filter((canary) => canary.isIn(rows)).map(({ name }) => `${name}: ${table}`);
    });
    expect(found).toEqual([]);
  });

  it('and nothing of what rests or was logged opens anything, while the real tokens do', async () => {
    const owner = await register();
    const session = await login(owner.email, owner.password);
    const email = address('new address');
    const seen = sink.to(owner.email).length;
    const change = { email, currentPassword: owner.password };
    await expectStatus(202, visitor.json('/api/users/me/email', change, bearer(session)));
    const confirm = await linkTo('confirm_email', email);
    const cancel = await linkTo('cancel_email', owner.email, seen);
    const { reset, notMe } = await askFor(owner.email);
    const newcomer = address('address');
    const registration = { email: newcomer, username: 'Susan', password: password('password') };
    await expectStatus(202, visitor.json('/api/users', registration));
    const verify = await linkTo('verify_email', newcomer);

    const routes: [path: string, others: object, real: string][] = [
      ['/api/password-reset/verify', {}, reset],
      ['/api/users/verify', { password: registration.password }, verify],
      ['/api/email-change/cancel', {}, cancel],
      ['/api/email-change/confirm', { password: owner.password }, confirm],
      ['/api/password-reset/disavow', {}, notMe],
      ['/api/password-reset/confirm', { password: password('password of a thief') }, reset],
    ];
    const resting = (await dump()).map(({ rows }) => rows).join('\n');
    const words = [...new Set((resting + server.stdout).split(/[\s"',{}()\\]+/))].filter(
      (w) => w.length >= 16,
    );
    expect(words.length).toBeGreaterThan(500);
    const opened: string[] = [];
    const tryWord = async (word: string) => {
      for (const [path, others] of routes) {
        const { status } = await visitor.json(path, { token: word, ...others });
        if (status !== 400) opened.push(`${status} ${path} ${word}`);
      }
      const { status } = await visitor.get('/api/users/me', bearer(word.replace(/[^\w.~+/=-]/g, '')));
      if (status !== 401) opened.push(`${status} Bearer ${word}`);
    };
    for (let n = 0; n < words.length; n += 16) await Promise.all(words.slice(n, n + 16).map(tryWord));
    expect(opened).toEqual([]);

    await expectStatus(200, visitor.get('/api/users/me', bearer(session)));
    await expectStatus(200, visitor.json(routes[0]![0], { token: reset }));
    await expectStatus(204, visitor.json(routes[1]![0], { ...routes[1]![1], token: verify }));
    await expectStatus(204, visitor.json(routes[2]![0], { token: cancel }));
    await expectStatus(204, visitor.json(routes[4]![0], { token: notMe }));
  }, 180_000);

  it.each<[string, Record<string, string>]>([
    ['a database that is not there', { DATABASE_URL: databaseUrl }],
    ['an address of no database', { DATABASE_URL: databaseUrl.replace('postgres', 'mysql') }],
    ['an address that is none', { DATABASE_URL: databaseUrl.replace('@', '%@') }],
    ['a short key', { SECRET_KEY: SHORT_KEY.value }],
    ['an address of no counter', { REDIS_URL: databaseUrl }],
    ['a password that would travel in clear text', { MAIL_USE_TLS: 'off' }],
  ])('are not told by a server that cannot start: %s', async (_, wrong) => {
    const { status, stdout, stderr } = await runProgram('main', {
      cwd: temporaryFolder(),
      env: { ...environment(databaseUrl, port), ...wrong },
    });
    expect(status).toBe(1);
    expect(stderr).toMatch(/^Latchkey cannot start: /);
    const found = [...secrets, SHORT_KEY].filter((canary) => canary.isIn(stdout + stderr));
    expect(found.map(({ name }) => name)).toEqual([]);
  });
});

function environment(url: string, mailPort: number): Record<string, string> {
  return {
    ...Object.fromEntries(Object.entries(SETTINGS).map(([name, { value }]) => [name, value])),
    NODE_ENV: 'production',
    LOG_LEVEL: 'trace',
    API_DOCS: 'on',
    DATABASE_URL: url,
    PUBLIC_URL,
    ADMINS: 'no-reply@latchkey.dev',
    MAIL_SERVER: '127.0.0.1',
    MAIL_PORT: String(mailPort),
    MAIL_USE_TLS: '1',
    NODE_TLS_REJECT_UNAUTHORIZED: '0',
    NODE_NO_WARNINGS: '1',
    BCRYPT_COST: '10',
    LIMIT_PER_MINUTE: '0',
    LIMIT_PER_HOUR: '0',
    RESET_COOLDOWN: '0',
    RESET_MAILS_PER_HOUR: '0',
    EMAIL_CHANGE_HOLD: '0',
  };
}

async function expectStatus(status: number, answer: Promise<RawAnswer>): Promise<void> {
  const { status: actual, text } = await answer;
  expect({ status: actual, text: actual === status ? '' : text }).toEqual({ status, text: '' });
}
