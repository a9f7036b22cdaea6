import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { migrate } from '../../src/migrate';
import { ADDRESS_TWINS } from '../support/address-twins';
import { emptyDatabase, SpareDatabase } from '../support/database';
import { START_PATIENCE_MS } from '../support/program';
import { notMeTokenIn, PASSWORD, TestApp, tokenIn } from '../support/test-app';

describe('an ask tells nothing about accounts', () => {
  let server: TestApp;

  beforeAll(async () => {
    // Without a worker, so that what is seen is the request alone.
    server = await TestApp.start({ settings: { role: 'web' } });
  });
  afterAll(() => server.stop());

  const addresses = async () => {
    const [known, disabled] = [await server.createUser(), await server.createUser()];
    await server.database.query('UPDATE latchkey.users SET disabled_at = now() WHERE id = $1', [disabled.id]);
    return { known: known.email, unknown: `${randomUUID()}@example.com`, disabled: disabled.email };
  };

  it('answers an unknown and a disabled address byte for byte as a known one', async () => {
    const answer = async (email: string) => {
      const { status, text, headers } = await server.ask(email);
      return { status, text, headers: { ...headers, date: 'some date' } };
    };
    const { known, unknown, disabled } = await addresses();
    const expected = await answer(known);
    expect(expected.status).toBe(202);
    expect(await answer(unknown)).toEqual(expected);
    expect(await answer(disabled)).toEqual(expected);
  });

  it('does the same work for every address: one statement, on the queue', async () => {
    const statements = async (email: string) => {
      const seen: string[] = [];
      const { logger } = server.database;
      server.database.logger = Object.assign(Object.create(logger) as typeof logger, {
        logQuery: (query: string) => void seen.push(query),
      });
      await server.ask(email).expect(202);
      server.database.logger = logger;
      // Records of what was asked are written a moment later, many at once, whoever asked.
      return seen.filter((query) => !query.includes('audit_events'));
    };
    const { known, unknown, disabled } = await addresses();
    const expected = await statements(known);
    expect(expected).toEqual([expect.stringContaining('INSERT INTO latchkey.jobs')]);
    expect(await statements(unknown)).toEqual(expected);
    expect(await statements(disabled)).toEqual(expected);
  });

  it('changes nothing about the account', async () => {
    const user = await server.createUser();
    const row = () => server.database.query('SELECT * FROM latchkey.users WHERE id = $1', [user.id]);
    const [before, session] = [await row(), await server.accessTokenFor(user)];
    for (let n = 0; n < 20; n++) await server.ask(user.email).expect(202);
    expect(await row()).toEqual(before);
    await server.me(session).expect(200);
    await server.login(user.email, PASSWORD).expect(200);
  });
});

describe('a link goes to its owner only, and rests nowhere', () => {
  let server: TestApp;

  beforeAll(async () => {
    server = await TestApp.start();
  });
  afterAll(() => server.stop());

  it('sends to the stored address, whatever spelling was typed', async () => {
    const email = `Susan.Jones.${randomUUID()}@example.com`;
    await server.createUser({ email });
    await server.ask(email.toLowerCase()).expect(202);
    expect((await server.mails.next(email)).envelope.to).toEqual([email]);
    await server.idle();
    expect(server.mails.countTo(email.toLowerCase())).toBe(0);
  });

  it.each(ADDRESS_TWINS)('never mails a twin of an address: %s', async (_, name, twin) => {
    const domain = `${randomUUID()}.example.com`;
    await server.createUser({ email: `${name}@${domain}` });
    const { status } = await server.ask(`${twin}@${domain}`);
    expect([202, 400]).toContain(status);
    await server.idle();
    expect(server.mails.countTo(`${name}@${domain}`)).toBe(0);
    expect(server.mails.countTo(`${twin}@${domain}`)).toBe(0);
  });

  it.each([
    ['Host', 'evil.example'],
    ['X-Forwarded-Host', 'evil.example'],
    ['X-Forwarded-Proto', 'ftp'],
    ['X-Forwarded-Prefix', '/evil'],
    ['Forwarded', 'host=evil.example;proto=ftp'],
    ['X-Host', 'evil.example'],
    ['X-Original-URL', 'https://evil.example/'],
    ['Origin', 'https://evil.example'],
    ['Referer', 'https://evil.example/'],
  ])('never lets the header %s into a link', async (name, value) => {
    const user = await server.createUser();
    await server.ask(user.email).set(name, value).expect(202);
    const mail = await server.mails.next(user.email);
    expect(mail.source).not.toContain('evil');
    expect(mail.text).toMatch(/http:\/\/localhost:3000\/reset_password\/[\w.-]+/);
  });

  it('never lets an absolute request target into a link', async () => {
    const user = await server.createUser();
    const body = JSON.stringify({ email: user.email });
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
    socket.end(
      'POST http://evil.example/api/password-reset HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n' +
        `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    const answer = await text(socket);
    if (!answer.startsWith('HTTP/1.1 202')) return;
    expect((await server.mails.next(user.email)).source).not.toContain('evil');
  });
});

describe('a database', () => {
  let database: SpareDatabase;
  let server: TestApp;

  // Of its own: each string that rests is tried, and other specs have left many.
  beforeAll(async () => {
    database = await emptyDatabase();
    await migrate(database.url);
    server = await TestApp.start({ settings: { databaseUrl: database.url } });
  }, START_PATIENCE_MS);
  afterAll(async () => {
    await server.stop();
    await database.close();
  });

  it('keeps nothing, in the queue neither, that confirms a reset or that says "this was not me"', async () => {
    const [user, other] = [await server.createUser(), await server.createUser()];
    await server.confirm(await server.tokenFor(other), 'staple battery horse correct').expect(204);
    await server.mails.next(other.email, 1);
    const tokens = [await server.tokenFor(user), await server.tokenFor(user), await server.tokenFor(user)];
    const session = await server.accessTokenFor(user);
    await server.idle();
    const dump = await dumpOf(server, database.url);
    expect(dump).toContain(user.id);
    const notMe = [...server.mails.to(user.email), ...server.mails.to(other.email)].map(({ text }) =>
      notMeTokenIn(text),
    );
    expect(notMe).toHaveLength(5);
    for (const secret of [...tokens, ...notMe, session, PASSWORD, 'k7Qm2Zt9Xw4Lr8Vb1Nc6Hd3Jf5Gs0Py-test']) {
      expect(dump).not.toContain(secret);
      expect(dump).not.toContain(secret.split('.').at(-1));
      expect(dump).not.toContain(Buffer.from(secret).toString('base64').replaceAll('=', ''));
      expect(dump).not.toContain(Buffer.from(secret).toString('hex'));
    }
    const strings = new Set(dump.split(/[\s"',{}()\t]+/).filter((word) => word.length >= 16));
    expect(strings.size).toBeGreaterThan(10);
    const tries = [...strings].flatMap((string) => [() => server.look(string), () => server.disavow(string)]);
    while (tries.length > 0) {
      await Promise.all(tries.splice(0, 20).map((attempt) => attempt().expect(400)));
    }
    for (const token of tokens) await server.look(token).expect(200);
  }, 120_000);
});

/** Everything that rests: `pg_dump` where there is a real server, else every row of every table. */
async function dumpOf(server: TestApp, url: string): Promise<string> {
  if (process.env['DATABASE_URL']) {
    const { status, stdout, stderr } = spawnSync('pg_dump', ['--inserts', url], {
      encoding: 'utf8',
      maxBuffer: 1e9,
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    return stdout;
  }
  const tables = await server.database.query<{ name: string }[]>(
    `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname = 'latchkey'`,
  );
  const rows = await Promise.all(
    tables.map(({ name }) =>
      server.database.query<{ row: string }[]>(`SELECT t::text AS row FROM ${name} t`),
    ),
  );
  return rows
    .flat()
    .map(({ row }) => row)
    .join('\n');
}

it('the token is not in the answer to the ask', async () => {
  const server = await TestApp.start();
  try {
    const user = await server.createUser();
    const answer = await server.ask(user.email).expect(202);
    const token = tokenIn((await server.mails.next(user.email)).text);
    expect(JSON.stringify([answer.headers, answer.text])).not.toContain(token.split('.')[2]);
  } finally {
    await server.stop();
  }
});
