import { describeOnServer, emptyDatabase, SpareDatabase } from '../support/database';
import { run } from '../support/sql';
import { migrate } from '../../src/migrate';
import { until } from '../support/mail-reader';
import { TestApp } from '../support/test-app';

describeOnServer('a database that becomes read-only, as after a failover', () => {
  let database: SpareDatabase;
  let server: TestApp;

  beforeAll(async () => {
    database = await emptyDatabase();
    await migrate(database.url);
    server = await TestApp.start({ settings: { databaseUrl: database.url } });
  });
  afterAll(async () => {
    await server.stop();
    await database.close();
  });

  const setReadOnly = (value: 'on' | 'off') =>
    run(
      process.env['DATABASE_URL']!,
      `ALTER DATABASE ${database.name} SET default_transaction_read_only = ${value}`,
    );

  /** Every connection of the server is opened again, and finds what the database is now. */
  const renewConnections = () =>
    run(
      database.url,
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE application_name = 'latchkey' AND datname = current_database()`,
    );

  const ready = async () => (await server.http.get('/health/ready')).status;
  const requests = () =>
    Promise.all(Array.from({ length: 20 }, async () => (await server.ask('nobody@example.com')).status));

  it('is not ready, and serves again with the first connections that can write', async () => {
    await expect(ready()).resolves.toBe(200);
    await setReadOnly('on');
    await renewConnections();
    await until(async () => (await requests()).every((status) => status === 503), 'read-only connections');
    await expect(ready()).resolves.toBe(503);

    // The connections that were opened meanwhile stay read-only; none of them may be used for long.
    await setReadOnly('off');
    await until(async () => (await ready()) === 200, 'the probe to find a new connection', 2_000);
    await requests();
    expect(await requests()).toEqual(Array(20).fill(202));
  });
});
