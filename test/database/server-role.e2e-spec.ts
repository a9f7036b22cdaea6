import { Logger } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { AuditRecorder } from '../../src/audit/audit-recorder';
import { openDataSource } from '../../src/database';
import { ProtectAuditEvents1764360000000 } from '../../src/database/migrations/1764360000000-protect-audit-events';
import { Housekeeping } from '../../src/jobs';
import { migrate } from '../../src/migrate';
import { Account } from '../support/account';
import { createRole, describeOnServer, dropRole, emptyDatabase, SpareDatabase } from '../support/database';
import { run } from '../support/sql';
import { START_PATIENCE_MS } from '../support/program';
import { Registrations } from '../support/registrations';
import { PASSWORD, TestApp } from '../support/test-app';

jest.setTimeout(START_PATIENCE_MS);

const role = `latchkey_test_server_${process.pid}`;
const NEW_PASSWORD = 'staple battery horse correct';
const DELETE_EVERYTHING = `SELECT latchkey.delete_audit_events('infinity', 2147483647) AS removed`;
const REFUSED = { code: '42501' };

/** The statements in docs/run.md that begin with these words, for the role of these tests. */
function documented(beginning: string): string {
  const page = readFileSync(resolve(__dirname, '..', '..', 'docs', 'run.md'), 'utf8');
  const blocks = [...page.matchAll(/^```sql\n([^`]+)```$/gm)].map(([, sql]) => sql!);
  const found = blocks.filter((sql) => sql.startsWith(beginning));
  expect(found).toHaveLength(1);
  return found[0]!.replace(/\b(TO|FROM) server;/g, `$1 ${role};`);
}

describeOnServer('a server that is not the owner of its tables', () => {
  let database: SpareDatabase;
  let url: string;

  beforeAll(async () => {
    database = await emptyDatabase();
    await migrate(database.url);
  });
  afterAll(() => database.close());
  beforeEach(async () => {
    url = await createRole(database, role);
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await dropRole(database, role);
  });

  /** Adds an event that is so old by the clock of the database. @returns its id */
  async function eventOf(age: string): Promise<string> {
    const id = randomUUID();
    await run(
      database.url,
      `INSERT INTO latchkey.audit_events (id, at, act, outcome, request_id, details)
       VALUES ('${id}', now() - interval '${age}', 'login', 'failure', '', '{}')`,
    );
    return id;
  }
  const isThere = async (id: string) =>
    (await run(database.url, `SELECT 1 FROM latchkey.audit_events WHERE id = '${id}'`)).length === 1;

  it('has with the documented rights what it needs, from a registration to the removal of old events', async () => {
    await run(database.url, documented('GRANT USAGE'));
    const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    const server = await TestApp.start({
      settings: { databaseUrl: url, databasePoolSize: 5, limitPerMinute: 1000 },
      failuresPerSource: 100,
    });
    try {
      const [registrations, account] = [new Registrations(server), new Account(server)];
      const email = Registrations.someAddress();
      await registrations.verify(await registrations.tokenFor(email)).expect(204);
      await server.login(email, 'a wrong password').expect(401);
      const user = await server.createUser();
      await server.confirm(await server.tokenFor(user), NEW_PASSWORD).expect(204);
      const session = await server.accessTokenFor(user, NEW_PASSWORD);
      await account.changePassword(session, PASSWORD, NEW_PASSWORD).expect(200);
      const { confirm } = await account.emailChangeTokens(
        await server.createUser(),
        `${randomUUID()}@example.com`,
      );
      await account.confirmEmail(confirm).expect(204);
      await server.http.get('/health/ready').expect(200);

      const [old, young] = [await eventOf('366 days'), await eventOf('364 days')];
      await server.app.get(AuditRecorder).flush();
      await server.app.get(Housekeeping).run();
      expect([await isThere(old), await isThere(young)]).toEqual([false, true]);
      const refusals = warn.mock.calls.map(([line]) => String(line)).filter((line) => /cannot/.test(line));
      expect(refusals).toEqual([]);
    } finally {
      await server.stop();
    }
  });

  it.each([
    `UPDATE latchkey.audit_events SET outcome = 'success'`,
    'DELETE FROM latchkey.audit_events',
    'TRUNCATE latchkey.audit_events',
    'ALTER TABLE latchkey.audit_events RENAME TO forgotten',
    'DROP TABLE latchkey.audit_events',
    `INSERT INTO latchkey.audit_events SELECT * FROM latchkey.audit_events ON CONFLICT (id) DO UPDATE SET source = NULL`,
    `CREATE OR REPLACE FUNCTION latchkey.delete_audit_events(before timestamptz, max_rows integer) RETURNS integer
     LANGUAGE sql AS 'SELECT 0'`,
    'DELETE FROM latchkey.latchkey_migrations',
    'DELETE FROM latchkey.migration_lease',
  ])('is refused with the documented rights: %s', async (statement) => {
    await run(database.url, documented('GRANT USAGE'));
    await expect(run(url, statement)).rejects.toMatchObject(REFUSED);
  });

  it('removes no event of the last 24 hours, whatever it calls the function with', async () => {
    await run(database.url, documented('GRANT USAGE'));
    const [older, old, young] = [
      await eventOf('26 hours'),
      await eventOf('24 hours 1 minute'),
      await eventOf('23 hours 59 minutes'),
    ];
    await run(url, `SELECT latchkey.delete_audit_events(now() - interval '25 hours', 2147483647)`);
    expect([await isThere(older), await isThere(old)]).toEqual([false, true]);
    await run(
      url,
      'SELECT latchkey.delete_audit_events(NULL, 1000), latchkey.delete_audit_events(now(), NULL)',
    );
    expect(await isThere(old)).toBe(true);
    await run(url, DELETE_EVERYTHING);
    expect([await isThere(old), await isThere(young)]).toEqual([false, true]);
  });

  it('cannot call the function unless it is granted that', async () => {
    await run(database.url, `GRANT USAGE ON SCHEMA latchkey TO ${role}`);
    await expect(run(url, DELETE_EVERYTHING)).rejects.toMatchObject(REFUSED);
  });

  it('goes on removing old events after an update, and changes none once that right is withdrawn', async () => {
    await withdrawnMigration(async () => {
      await run(
        database.url,
        `GRANT USAGE ON SCHEMA latchkey TO ${role};
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA latchkey TO ${role}`,
      );
    });
    const [first, second] = [await eventOf('3 days'), await eventOf('2 days')];
    // A process of the version before, beside the new ones.
    await run(url, `DELETE FROM latchkey.audit_events WHERE id = '${first}'`);
    await run(database.url, documented('REVOKE'));
    await expect(run(url, 'DELETE FROM latchkey.audit_events')).rejects.toMatchObject(REFUSED);
    expect(await run(url, DELETE_EVERYTHING)).toEqual([{ removed: expect.any(Number) as number }]);
    expect([await isThere(first), await isThere(second)]).toEqual([false, false]);
  });

  /** Does something in the database as the version before left it. */
  async function withdrawnMigration(work: () => Promise<void>): Promise<void> {
    const migration = new ProtectAuditEvents1764360000000();
    const dataSource = await openDataSource({ url: database.url, poolSize: 1 });
    try {
      const runner = dataSource.createQueryRunner();
      await migration.down(runner);
      await work();
      await migration.up(runner);
      await runner.release();
    } finally {
      await dataSource.destroy();
    }
  }
});
