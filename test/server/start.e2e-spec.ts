import { once } from 'node:events';
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { AddressInfo, connect, createServer, Server, Socket } from 'node:net';
import { join } from 'node:path';
import { EmbeddedDatabase, openEmbeddedDatabase } from '../../src/server/embedded-database';
import { until } from '../support/mail-reader';
import {
  awkwardFolder,
  freePort,
  Outcome,
  runProgram,
  ServerProcess,
  START_PATIENCE_MS,
  temporaryFolder,
} from '../support/program';

const DEMO = 'demo@example.com';
const NEW_PASSWORD = 'staple battery horse correct';
const SECRET = 'k7Qm2Zt9Xw4Lr8Vb1Nc6Hd3Jf5Gs0Py/';

/** What a server needs that others may reach; embedded parts are for one computer only. */
const OPEN = {
  DATABASE_URL: process.env['TEST_DATABASE_URL']!,
  SECRET_KEY: SECRET,
  MAIL_SERVER: '127.0.0.1',
  MAIL_PORT: '9',
};

describe('a start with nothing set', () => {
  const folder = awkwardFolder();
  let server: ServerProcess;

  beforeAll(async () => {
    server = await ServerProcess.start({ cwd: folder });
  }, START_PATIENCE_MS);
  afterAll(() => server?.stop('SIGKILL'));

  const demoPassword = () => /demo@example\.com, password "(.*)"/.exec(server.stdout)![1]!;

  it('says where everything is', () => {
    const url = server.url.replace('127.0.0.1', 'localhost');
    for (const line of [
      `pages    ${url}`,
      `API      ${url}/api/docs`,
      `mailbox  ${url}/dev/mailbox`,
      `data     ${join(folder, '.data')}`,
      `account  ${DEMO}, password "`,
    ]) {
      expect(server.stdout).toContain(`\n  ${line}`);
    }
  });

  it('serves what it names', async () => {
    const paths = [...server.stdout.matchAll(/http:\/\/localhost:\d+(\S*)/g)].map(([, path]) => path || '/');
    expect(paths).toEqual(['/', '/api/docs', '/dev/mailbox']);
    for (const path of paths) await server.http.get(path).expect(200);
    await server.http.get('/health/live').expect(200);
    await server.http.get('/health/ready').expect(200);
  });

  it('keeps what it made to itself', () => {
    expect(statSync(join(folder, '.data')).mode & 0o777).toBe(0o700);
    expect(statSync(join(folder, '.data', 'secret-key')).mode & 0o777).toBe(0o600);
    expect(server.stdout).not.toContain(readFileSync(join(folder, '.data', 'secret-key'), 'utf8'));
  });

  it('lets the demo account walk the road', async () => {
    await server.login(DEMO, demoPassword()).expect(200);
    const token = await server.tokenFor(DEMO);
    await server.confirm(token, NEW_PASSWORD).expect(204);
    await server.login(DEMO, demoPassword()).expect(401);
    await server.login(DEMO, NEW_PASSWORD).expect(200);
  });

  describe('and a second start', () => {
    let token: string;
    let firstEnd: Outcome;

    beforeAll(async () => {
      token = await server.tokenFor(DEMO);
      // A browser keeps connections open, used and unused ones.
      const unused = connect(Number(new URL(server.url).port), '127.0.0.1').on('error', () => undefined);
      await once(unused, 'connect');
      firstEnd = await server.stop();
      server = await ServerProcess.start({ cwd: folder });
    }, START_PATIENCE_MS);

    it('comes after a quiet and quick end', () => {
      expect(firstEnd).toMatchObject({ status: 0, stderr: '' });
    });

    it('does not tell a password that may have been changed', () => {
      expect(server.stdout).toContain(`account  ${DEMO} (created at the first start)`);
      expect(server.stdout).not.toContain('password "');
    });

    it('keeps accounts, and links that were mailed before', async () => {
      await server.login(DEMO, NEW_PASSWORD).expect(200);
      await server.confirm(token, `${NEW_PASSWORD}!`).expect(204);
      await server.login(DEMO, `${NEW_PASSWORD}!`).expect(200);
    });

    it('ends with Ctrl-C as with SIGTERM', async () => {
      await expect(server.stop('SIGINT')).resolves.toMatchObject({ status: 0, stderr: '' });
    });
  });
});

describe('a process among others', () => {
  const start = (env: Record<string, string>) =>
    ServerProcess.start({
      cwd: temporaryFolder(),
      env: { DATABASE_URL: process.env['TEST_DATABASE_URL']!, SECRET_KEY: SECRET, ...env },
    });

  it(
    'says at a SIGTERM that it is not ready, serves on for a while, and ends with 0',
    async () => {
      const server = await start({ SHUTDOWN_DELAY: '2' });
      await server.http.get('/health/ready').expect(200);
      const connection = async () => (await fetch(`${server.url}/health/live`)).headers.get('connection');
      expect(await connection()).toBe('keep-alive');
      const stopped = server.stop('SIGTERM');
      await until(async () => (await server.http.get('/health/ready')).status === 503, 'the word of it');
      expect(await connection()).toBe('close');
      await server.login('nobody@example.com', NEW_PASSWORD).expect(401);
      expect((await stopped).status).toBe(0);
    },
    START_PATIENCE_MS,
  );

  it(
    'that only works in the background answers whoever supervises it, and nobody else',
    async () => {
      const worker = await start({ ROLE: 'worker' });
      await worker.http.get('/health/live').expect(200);
      await worker.http.get('/health/ready').expect(200);
      for (const path of ['/', '/login', '/api/users/me', '/api/docs', '/health', '/health/live/x']) {
        const { body } = await worker.http.get(path).expect(404);
        expect(body).toMatchObject({ status: 404, code: 'NOT_FOUND' });
      }
      await worker.login('nobody@example.com', NEW_PASSWORD).expect(404);
      expect((await worker.stop()).status).toBe(0);
    },
    START_PATIENCE_MS,
  );
});

describe('production', () => {
  it(
    'warns of mails that may travel in clear text, in one line each start',
    async () => {
      const server = await ServerProcess.start({
        cwd: temporaryFolder(),
        env: {
          ...OPEN,
          NODE_ENV: 'production',
          PUBLIC_URL: 'https://id.latchkey.dev',
          MAIL_SERVER: 'smtp.latchkey.dev',
          ADMINS: 'no-reply@latchkey.dev',
          BCRYPT_COST: '10',
          ROLE: 'web',
        },
      });
      const warnings = server.stdout.split('\n').filter((line) => line.includes('"level":40'));
      expect(warnings).toEqual([
        expect.stringContaining('"msg":"MAIL_USE_TLS: without it, mails with links may'),
      ]);
      expect((await server.stop()).status).toBe(0);
    },
    START_PATIENCE_MS,
  );
});

describe('a start that cannot be', () => {
  let notMigrated: EmbeddedDatabase;
  const servers: Server[] = [];

  beforeAll(async () => {
    notMigrated = await openEmbeddedDatabase(temporaryFolder());
  }, START_PATIENCE_MS);
  afterAll(async () => {
    await notMigrated.close();
    for (const server of servers) server.close();
  });

  /** @returns the port of a server that does that to every connection */
  async function listen(onData: (socket: Socket) => void): Promise<number> {
    const server = createServer((socket) =>
      socket.on('error', () => undefined).once('data', () => onData(socket)),
    );
    servers.push(server.listen(0, '127.0.0.1'));
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  }

  /** A PostgreSQL that refuses everybody. */
  const refusing = (code: string) =>
    listen((socket) => {
      const fields = Buffer.from(`SFATAL\0C${code}\0Mthe database's own words\0\0`);
      const head = Buffer.from('E0000');
      head.writeInt32BE(fields.length + 4, 1);
      socket.end(Buffer.concat([head, fields]));
    });

  const database = (port: number) => ({ DATABASE_URL: `postgres://susan:pw@127.0.0.1:${port}/accounts` });

  async function refusal(env: Record<string, string>, cwd = temporaryFolder()): Promise<string> {
    const { status, stdout, stderr, milliseconds } = await runProgram('main', { cwd, env });
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toMatch(/^Latchkey cannot start: /);
    expect(stderr).not.toMatch(/^\s+at |node_modules/m);
    // It does not hang; how fast it is depends on what else the machine does.
    expect(milliseconds).toBeLessThan(25_000);
    return stderr.replace('Latchkey cannot start: ', '');
  }

  it.each<[string, () => Promise<Record<string, string>>, RegExp]>([
    ['no database server', async () => database(await freePort()), /does not answer.*DATABASE_URL/],
    ['a silent database', async () => database(await listen(() => undefined)), /not answer in time.*port/],
    [
      'something else there',
      async () => database(await listen((socket) => socket.end('HTTP/1.1'))),
      /hangs up/,
    ],
    ['a wrong password', async () => database(await refusing('28P01')), /the user or password.*DATABASE_URL/],
    ['a user who may not', async () => database(await refusing('28000')), /refuses this user.*pg_hba/],
    ['a missing database', async () => database(await refusing('3D000')), /does not exist.*Create it/],
    ['no tables', () => Promise.resolve({ DATABASE_URL: notMigrated.url }), /npm run cli -- migrate/],
    [
      'an unknown database host',
      () => Promise.resolve({ DATABASE_URL: 'postgres://db.invalid/x' }),
      /The host db\.invalid is unknown.*DATABASE_URL/,
    ],
  ])('tells of %s in one line', async (_, env, cure) => {
    const text = await refusal(await env());
    expect(text).toMatch(cure);
    expect(text.trimEnd()).not.toContain('\n');
  });

  describe('on the embedded database', () => {
    const folder = temporaryFolder();

    beforeAll(async () => (await openEmbeddedDatabase(join(folder, '.data'))).close(), START_PATIENCE_MS);

    it('tells of a port in use', async () => {
      const port = await listen(() => undefined);
      await expect(refusal({ PORT: `${port}` }, folder)).resolves.toBe(
        `127.0.0.1:${port} is in use by another program. Stop it, or set PORT to another port.\n`,
      );
    });

    it('tells of a damaged secret', async () => {
      writeFileSync(join(folder, '.data', 'secret-key'), '');
      expect(await refusal({}, folder)).toMatch(/secret-key is damaged\. Delete it/);
      rmSync(join(folder, '.data', 'secret-key'));
    });

    it('tells of a data folder that is a file', async () => {
      const cwd = temporaryFolder();
      writeFileSync(join(cwd, '.data'), '');
      expect(await refusal({}, cwd)).toMatch(/Cannot keep data in .*\.data.*DATABASE_URL/);
    });
  });

  it('tells of an address that is not of this machine', async () => {
    expect(await refusal({ ...OPEN, HOST: '192.0.2.1' })).toMatch(/no address 192\.0\.2\.1.*HOST/);
    expect(await refusal({ ...OPEN, HOST: 'here.invalid' })).toMatch(/here\.invalid is unknown.*HOST/);
  });

  it('tells of every wrong setting in a line of its own', async () => {
    const text = await refusal({
      ...Object.fromEntries(
        `NODE_ENV PORT ROLE PUBLIC_URL RESET_URL SECRET_KEY SECRET_KEY_PREVIOUS DATABASE_URL DATABASE_POOL_SIZE
         MAIL_PORT ADMINS RESET_TOKEN_TTL RESET_COOLDOWN RESET_MAILS_PER_HOUR TRUST_PROXY PASSWORD_MIN_LENGTH
         BCRYPT_COST SESSION_TTL DEFAULT_LOCALE LOG_LEVEL API_DOCS`
          .split(/\s+/)
          .map((name) => [name, 'wrong']),
      ),
      APP_NAME: '{}',
    });
    const lines = text.trimEnd().split('\n');
    expect(lines).toHaveLength(22);
    for (const line of lines) expect(line).toMatch(/^[A-Z_]+: must be /);
  });

  it('tells of everything that production lacks', async () => {
    const lines = (await refusal({ NODE_ENV: 'production' })).trimEnd().split('\n');
    expect(lines.map((line) => line.split(':')[0]).sort()).toEqual([
      'ADMINS',
      'DATABASE_URL',
      'MAIL_SERVER',
      'PUBLIC_URL',
      'SECRET_KEY',
    ]);
  });

  describe('with a file .env as editors save it', () => {
    const folderWith = (bytes: string | Buffer) => {
      const cwd = temporaryFolder();
      writeFileSync(join(cwd, '.env'), bytes);
      return cwd;
    };

    it('reads the first name behind the mark of Windows', async () => {
      const cwd = folderWith('\ufeffNODE_ENV=production\r\nPORT=x\r\n');
      const text = await refusal({}, cwd);
      expect(text).toMatch(/^SECRET_KEY: must be set in production/m);
      expect(text).toMatch(/^PORT: must be/m);
    });

    it('names a misspelled setting beside what is missing, and shows signs that nobody sees', async () => {
      const cwd = folderWith('DATABSE_URL=postgres://db/x\nNODE_ENV=production\n\ufeffPORT=4000\n');
      const text = await refusal({}, cwd);
      expect(text).toMatch(/^DATABASE_URL: must be set in production/m);
      expect(text).toMatch(/^DATABSE_URL is no setting\. Did you mean DATABASE_URL\?$/m);
      expect(text).toMatch(/^The file \.env has names that are no settings: \\u\{feff\}PORT$/m);
    });

    it.each<[string, Buffer]>([
      ['UTF-16 with its mark', Buffer.from('\ufeffNODE_ENV=production', 'utf16le')],
      ['UTF-16 without one', Buffer.from('NODE_ENV=production', 'utf16le')],
      ['UTF-16 big-endian', Buffer.from('\ufeffNODE_ENV=production', 'utf16le').swap16()],
      ['Windows-1252', Buffer.from('APP_NAME=Gem\xfcse', 'latin1')],
    ])('refuses %s, which it would read as other names', async (_, bytes) => {
      const text = await refusal({}, folderWith(bytes));
      expect(text).toBe('.env: must be saved as UTF-8; choose that encoding in your editor\n');
    });
  });

  it('never starts in production with a sample of ours', async () => {
    const sample = readFileSync(join(__dirname, '..', '..', '.env.example'), 'utf8');
    const secret = /^#? ?SECRET_KEY=(.+)$/m.exec(sample)![1]!;
    const env = {
      NODE_ENV: 'production',
      PUBLIC_URL: 'https://id.example.com',
      DATABASE_URL: 'postgres://127.0.0.1:1/x',
      MAIL_SERVER: 'smtp.example.com',
      ADMINS: 'no-reply@latchkey.dev',
    };
    expect(await refusal({ ...env, SECRET_KEY: secret })).toMatch(/^SECRET_KEY: must be at least 32 bytes/);
    expect(await refusal({ ...env, SECRET_KEY: SECRET })).toMatch(/database does not answer/);
  });
});

describe('a server on a database of its operator', () => {
  it('says so, and where mails go, set by its environment before a file', async () => {
    const cwd = temporaryFolder();
    writeFileSync(
      join(cwd, '.env'),
      'APP_NAME=Fortress # for a test\nAPI_DOCS=on\nRESETCOOLDOWN=5\nREDIS_URI=redis://x\nTAG=1\nPGTZ=UTC\n',
    );
    const server = await ServerProcess.start({
      cwd,
      env: { ...OPEN, API_DOCS: 'off', ROLE: 'web', LOG_LEVLE: 'silent' },
    });
    expect(server.stdout).toContain('LOG_LEVLE is no setting. Did you mean LOG_LEVEL?');
    expect(server.stdout).toContain('REDIS_URI is no setting. Did you mean REDIS_URL?');
    expect(server.stdout).toContain('The file .env has names that are no settings: RESETCOOLDOWN, TAG\n');
    expect(server.stdout).toContain('\nFortress is ready.\n');
    expect(server.stdout).toContain('mailbox  mails go to 127.0.0.1:9');
    expect(server.stdout).toContain('data     the database of DATABASE_URL');
    expect(server.stdout).not.toContain('account');
    await server.http.get('/dev/mailbox').expect(404);
    await server.http.get('/api/docs').expect(404);
    await until(async () => (await server.http.get('/health/ready')).status === 200, 'readiness');
    await expect(server.stop()).resolves.toMatchObject({ status: 0, stderr: '' });
  });
});
