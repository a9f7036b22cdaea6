import { latchkeyMigrations } from '../../src/database';
import { migrate } from '../../src/migrate';
import { createRole, describeOnServer, dropRole, emptyDatabase, SpareDatabase } from '../support/database';
import { run } from '../support/sql';
import { START_PATIENCE_MS } from '../support/program';

jest.setTimeout(START_PATIENCE_MS);

const ALL = (latchkeyMigrations as unknown[]).length;

describe('migrate', () => {
  let database: SpareDatabase;

  // One for all of them, as making an embedded one takes seconds.
  beforeAll(async () => {
    database = await emptyDatabase();
  });
  afterAll(() => database.close());

  it('twice at the same moment on an empty database: one works, the other says so and waits', async () => {
    const messages: string[] = [];
    const onWait = (message: string) => void messages.push(message);
    const done = await Promise.all([migrate(database.url, { onWait }), migrate(database.url, { onWait })]);
    expect(done.map((names) => names.length).sort()).toEqual([0, ALL]);
    expect(messages).toEqual([
      expect.stringMatching(/^Another migrate is running \(\S+, process \d+\); waiting/),
    ]);
  });

  it('gives up to wait when its time is over, and names who is at work', async () => {
    await leaseToAnother(`now() + interval '1 hour'`);
    await expect(migrate(database.url, { waitSeconds: 0 })).rejects.toThrow(
      /^Another migrate is still running \(web-7, process 7\) after 0 seconds\./,
    );
  });

  it('takes over from one that was killed', async () => {
    await leaseToAnother(`now() - interval '1 second'`);
    await expect(migrate(database.url, { waitSeconds: 0 })).resolves.toEqual([]);
    expect(await run(database.url, 'SELECT holder FROM latchkey.migration_lease')).toEqual([]);
  });

  it('finds the list of migrations where an earlier version made it', async () => {
    await run(database.url, 'ALTER TABLE latchkey.latchkey_migrations SET SCHEMA public');
    await expect(migrate(database.url)).resolves.toEqual([]);
  });

  const leaseToAnother = (end: string) =>
    run(
      database.url,
      `DELETE FROM latchkey.migration_lease; INSERT INTO latchkey.migration_lease (token, holder, ends_at)
       VALUES (gen_random_uuid(), 'web-7, process 7', ${end})`,
    );
});

describeOnServer('migrate as a role', () => {
  let database: SpareDatabase;
  const role = `latchkey_test_migrator_${process.pid}`;
  let url: string;

  beforeEach(async () => {
    database = await emptyDatabase();
    url = await createRole(database, role);
  });
  afterEach(async () => {
    await dropRole(database, role);
    await database.close();
  });

  it('needs no more than the right to create schemas: nothing in public', async () => {
    await run(database.url, `REVOKE CREATE ON SCHEMA public FROM public`);
    await run(database.url, `GRANT CREATE ON DATABASE ${database.name} TO ${role}`);
    await expect(migrate(url)).resolves.toHaveLength(ALL);
    await expect(migrate(url)).resolves.toEqual([]);
  });
});
