import { latchkeyMigrations, openDataSource } from '../../src/database';
import { migrate } from '../../src/migrate';
import { emptyDatabase, SpareDatabase } from '../support/database';
import { run } from '../support/sql';
import { hasPgBouncer, PgBouncer, startPgBouncer } from '../support/pgbouncer';
import { PASSWORD, TestApp } from '../support/test-app';

const server = process.env['DATABASE_URL'];
const describeBehindPooler = server && hasPgBouncer ? describe : describe.skip;

describeBehindPooler('behind PgBouncer in transaction mode', () => {
  let database: SpareDatabase;
  let pooler: PgBouncer;
  let url: string;

  beforeAll(async () => {
    database = await emptyDatabase();
    // A style that the driver cannot read: the pooler has to pass ours on.
    await run(database.url, `ALTER DATABASE ${database.name} SET datestyle = German`);
    pooler = await startPgBouncer(server!);
    url = pooler.urlOf(database.name);
  });
  afterAll(async () => {
    await pooler.stop();
    await database.close();
  });

  it('migrate makes the tables, and leaves no lock behind that holds up the next, direct one', async () => {
    await expect(migrate(url)).resolves.toHaveLength((latchkeyMigrations as unknown[]).length);
    const locks = `SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND database =
      (SELECT oid FROM pg_database WHERE datname = current_database())`;
    expect(await run(database.url, locks)).toEqual([]);
    await expect(migrate(database.url, { waitSeconds: 0 })).resolves.toEqual([]);
  });

  it('transactions have their timeouts, and leave none to whoever gets the connection next', async () => {
    const dataSource = await openDataSource({ url, lockTimeoutMs: 1234 });
    try {
      const lockTimeout = 'SHOW lock_timeout';
      await dataSource.transaction(async (manager) => {
        expect(await manager.query(lockTimeout)).toEqual([{ lock_timeout: '1234ms' }]);
      });
      for (let connection = 0; connection < 10; connection += 1)
        expect(await dataSource.query(lockTimeout)).toEqual([{ lock_timeout: '0' }]);
    } finally {
      await dataSource.destroy();
    }
  });

  it('a forgotten password is reset, and of 12 confirmations at once one wins', async () => {
    const app = await TestApp.start({ settings: { databaseUrl: url } });
    try {
      const user = await app.createUser();
      const token = await app.tokenFor(user);
      const passwords = Array.from({ length: 12 }, (_, n) => `${PASSWORD} number ${n}`);
      const answers = await Promise.all(passwords.map((password) => app.confirm(token, password)));
      const statuses = answers.map(({ status }) => status);
      expect(statuses.sort()).toEqual([204, ...Array<number>(11).fill(410)]);
      const winner = passwords[answers.findIndex(({ status }) => status === 204)]!;
      await app.login(user.email, winner).expect(200);
      await app.http.get('/health/ready').expect(200);
    } finally {
      await app.stop();
    }
  });
});
