import { randomUUID } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { openEmbeddedDatabase } from '../../src/server/embedded-database';
import { until } from '../support/mail-reader';
import {
  awkwardFolder,
  freePort,
  runProgram,
  ServerProcess,
  START_PATIENCE_MS,
  temporaryFolder,
} from '../support/program';

const PASSWORD = 'correct horse battery staple';

describe('operator commands', () => {
  const folder = awkwardFolder();
  let server: ServerProcess;

  beforeAll(async () => {
    server = await ServerProcess.start({ cwd: folder, env: { LIMIT_PER_MINUTE: '0' } });
  }, START_PATIENCE_MS);
  afterAll(() => server?.stop());

  const cli = (args: string[], input = '') =>
    runProgram('cli', { cwd: folder, env: { BCRYPT_COST: '4' }, args, input });

  const createUser = (email: string, input = PASSWORD, username = 'Susan') =>
    cli(['users', 'create', '--email', email, '--username', username], input);

  it('make an account that can sign in at the running server', async () => {
    const email = `${randomUUID()}@example.com`;
    const { status, stdout, stderr } = await createUser(email, `${PASSWORD}\n`);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^Created \S+@example\.com \([\w-]+\)\.\n$/);
    await server.login(email, PASSWORD).expect(200);
    await server.confirm(await server.tokenFor(email), `${PASSWORD}!`).expect(204);
  });

  it(
    'disable an account, with its sessions and links for good, and enable it again',
    async () => {
      const email = `${randomUUID()}@example.com`;
      await createUser(email);
      const { accessToken } = (await server.login(email, PASSWORD).expect(200)).body as {
        accessToken: string;
      };
      const link = await server.tokenFor(email);
      const disabled = await cli(['users', 'disable', '--email', email.toUpperCase()]);
      expect(disabled).toMatchObject({ status: 0, stderr: '', stdout: expect.stringMatching(/^Disabled /) });
      await server.login(email, PASSWORD).expect(401);

      const enabled = await cli(['users', 'enable', '--email', email]);
      expect(enabled).toMatchObject({ status: 0, stderr: '', stdout: expect.stringMatching(/^Enabled /) });
      await server.login(email, PASSWORD).expect(200);
      await server.http.get('/api/users/me').set('Authorization', `Bearer ${accessToken}`).expect(401);
      await server.confirm(link, `${PASSWORD}!`).expect(410);
      const { stdout } = await cli(['audit', '--email', email]);
      expect(stdout).toMatch(/success {2}account_disabled .*\n(.*\n)*.*success {2}account_enabled /);
    },
    START_PATIENCE_MS,
  );

  it('take a language as a wish, as a registration does', async () => {
    const email = `${randomUUID()}@example.com`;
    const args = ['users', 'create', '--email', email, '--username', 'Susan', '--locale', 'de'];
    expect((await cli(args, PASSWORD)).stdout).toMatch(/^Created .*\nThere are no texts in de: /);
    const body = (await server.login(email, PASSWORD).expect(200)).body as { accessToken: string };
    const me = await server.http.get('/api/users/me').set('Authorization', `Bearer ${body.accessToken}`);
    expect(me.body).toMatchObject({ locale: null });
  });

  it('tell what happened to an account, and of a request that went wrong', async () => {
    const email = `${randomUUID()}@example.com`;
    await createUser(email);
    const { body } = await server.login(email, 'a wrong password').expect(401);
    const { requestId } = body as { requestId: string };
    await server.tokenFor(email);

    const ofAccount = () => cli(['audit', '--email', email.toUpperCase(), '--since', '1h']);
    await until(async () => (await ofAccount()).stdout.includes('mail_handed_over'), 'the events');
    const { status, stdout, stderr } = await ofAccount();
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const lines = stdout.trimEnd().split('\n');
    expect(lines.map((line) => line.split(/\s+/).slice(1, 3)).sort()).toEqual([
      ['failure', 'login'],
      ['success', 'mail_handed_over'],
      ['success', 'mail_queued'],
      ['success', 'password_reset_mailed'],
      ['success', 'password_reset_requested'],
    ]);
    expect(lines[0]).toMatch(
      /^\d{4}-\d\d-\d\dT[\d:.]+Z  failure  login .*reason=wrong_password .*source=127/,
    );
    expect(stdout).not.toContain(email);

    const ofRequest = await cli(['audit', '--request', requestId]);
    expect(ofRequest.stdout).toBe(`${lines[0]}\n`);
    const latest = await cli(['audit', '--email', email, '--limit', '1']);
    expect(latest.stdout).toBe(`${lines.at(-1)}\n`);
    const none = await cli(['audit', '--email', email, '--act', 'password_changed']);
    expect(none).toMatchObject({ status: 0, stdout: 'There is no such event.\n' });
  });

  it.each<[string, () => ReturnType<typeof cli>, RegExp]>([
    ['an address that is none', () => createUser('susan'), /^--email: susan is not one e-mail address\.$/],
    ...['Eve\nBcc: x', '', 'Eve\u202ereversed', 'x'.repeat(300)].map(
      (name): [string, () => ReturnType<typeof cli>, RegExp] => [
        `a name that no registration takes (${JSON.stringify(name.slice(0, 20))})`,
        () => createUser('new@example.com', PASSWORD, name),
        /^--username: must be 1 to 64 characters that can be seen, on one line\.$/,
      ],
    ),
    [
      'to disable nobody',
      () => cli(['users', 'disable', '--email', 'new@example.com']),
      /^There is no account with this address\.$/,
    ],
    [
      'to enable an account that is not disabled',
      () => cli(['users', 'enable', '--email', 'demo@example.com']),
      /^This account is not disabled\.$/,
    ],
    ['an address in use', () => createUser('demo@example.com'), /^There is already an account/],
    ['a bad password', () => createUser('new@example.com', 'short'), /^The password is refused: .*15/],
    ['no password', () => createUser('new@example.com', ''), /^The password is refused: /],
    [
      'a missing option',
      () => cli(['users', 'create', '--email', 'new@example.com']),
      /^error: required option '--username <name>' not specified$/,
    ],
    ['an unknown account', () => cli(['audit', '--email', 'new@example.com']), /^There is no account with/],
    ['a time that is none', () => cli(['audit', '--since', 'noon']), /^--since: noon is neither a time/],
    [
      'an act that is none',
      () => cli(['audit', '--act', 'x']),
      /^error: option '--act <name>' argument 'x' is/,
    ],
    [
      'no events at all',
      () => cli(['audit', '--limit', '0']),
      /^error: option '--limit <number>' argument '0'/,
    ],
    ['an unknown option', () => cli(['migrate', '--force']), /^error: unknown option '--force'/],
    ['an unknown command', () => cli(['migrat']), /^error: unknown command 'migrat'/],
  ])('refuse %s', async (_, run, reason) => {
    const { status, stdout, stderr } = await run();
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr.trimEnd()).toMatch(reason);
    expect(stderr).not.toMatch(/^\s+at /m);
    await server.login('new@example.com', 'short').expect(401);
  });

  it('say what is wrong with the settings', async () => {
    const { status, stdout, stderr } = await runProgram('cli', {
      cwd: folder,
      env: { DATABASE_URL: 'mysql://db' },
      args: ['migrate'],
    });
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toMatch(/^DATABASE_URL: must be a URL such as postgres:.*\n$/);
  });

  it('say that the database does not answer', async () => {
    const { status, stderr } = await runProgram('cli', {
      cwd: folder,
      env: { DATABASE_URL: `postgres://127.0.0.1:${await freePort()}/x` },
      args: ['migrate'],
    });
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: 'The database does not answer. Is the server of DATABASE_URL running?\n',
    });
  });

  it.each([[[]], [['migrate']], [['audit']], [['users']], [['users', 'create']], [['users', 'disable']]])(
    'explain themselves: %p',
    async (command) => {
      const empty = temporaryFolder();
      const { status, stdout, stderr } = await runProgram('cli', {
        cwd: empty,
        args: [...command, '--help'],
      });
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      expect(stdout).toMatch(new RegExp(`^Usage: ${['latchkey', ...command].join(' ')} `));
      expect(readdirSync(empty)).toEqual([]);
    },
  );

  it(
    'migrate an empty database, and harm none that is up to date',
    async () => {
      const database = await openEmbeddedDatabase(temporaryFolder());
      const migrate = () =>
        runProgram('cli', { cwd: folder, env: { DATABASE_URL: database.url }, args: ['migrate'] });
      await expect(migrate()).resolves.toMatchObject({
        status: 0,
        stdout: expect.stringMatching(/^Done: \w+/),
      });
      for (const _ of ['twice', 'thrice']) {
        await expect(migrate()).resolves.toMatchObject({
          status: 0,
          stdout: 'The database is up to date.\n',
          stderr: '',
        });
      }
      await database.close();
    },
    START_PATIENCE_MS,
  );
});
