import { Logger } from '@nestjs/common';
import { TypeOrmTransactions } from '../../src/database';
import { PreparedStatements } from '../../src/database/prepared-statements';
import { migrate } from '../../src/migrate';
import { emptyDatabase, SpareDatabase } from '../support/database';
import { hasPgBouncer, PgBouncer, startPgBouncer } from '../support/pgbouncer';
import { PASSWORD, TestApp } from '../support/test-app';

const server = process.env['DATABASE_URL'];
const describeBehindPooler = server && hasPgBouncer ? describe : describe.skip;

const STATEMENT = 'SELECT $1::int + 1 AS sum';
const PREPARED = `SELECT statement FROM pg_prepared_statements WHERE name <> 'latchkey_check'`;

/** Runs a statement, and says which ones its connection has prepared. */
async function preparedAfter(app: TestApp, text = STATEMENT): Promise<string[]> {
  const transactions = app.app.get(TypeOrmTransactions);
  return transactions.run(async () => {
    expect((await transactions.query<{ sum: number }>(text, [1])).rows).toEqual([{ sum: 2 }]);
    const rows = await transactions.manager.query<{ statement: string }[]>(PREPARED);
    return rows.map(({ statement }) => statement);
  });
}

const sum = async (app: TestApp) =>
  (await app.app.get(TypeOrmTransactions).query<{ sum: number }>(STATEMENT, [41])).rows;

describe('statements of ours', () => {
  let app: TestApp;
  afterEach(() => app.stop());

  it('are prepared once a connection, but in the embedded database, where connections share a session', async () => {
    app = await TestApp.start();
    expect((await preparedAfter(app)).includes(STATEMENT)).toBe(!!server);
    expect(await sum(app)).toEqual([{ sum: 42 }]);
  });

  it('are not with DATABASE_PREPARED=off', async () => {
    app = await TestApp.start({ settings: { databasePrepared: 'off' } });
    expect(await preparedAfter(app)).toEqual([]);
    expect(await sum(app)).toEqual([{ sum: 42 }]);
  });
});

describeBehindPooler('statements of ours, behind a pooler that knows nothing of prepared ones', () => {
  let database: SpareDatabase;
  let pooler: PgBouncer;
  let app: TestApp;

  beforeAll(async () => {
    database = await emptyDatabase();
    await migrate(database.url);
    pooler = await startPgBouncer(server!);
    app = await TestApp.start({ settings: { databaseUrl: pooler.urlOf(database.name) } });
  });
  afterAll(async () => {
    await app.stop();
    await pooler.stop();
    await database.close();
  });

  it('are not prepared: the start finds out', async () => {
    expect(await preparedAfter(app)).toEqual([]);
    const user = await app.createUser();
    await app.confirm(await app.tokenFor(user), `${PASSWORD} 2`).expect(204);
  });

  it('are not prepared any more after the first that fails, which is run again; the log says so, once', async () => {
    const warn = jest.spyOn(Logger.prototype, 'warn');
    Object.assign(app.app.get(PreparedStatements), { usable: true });
    for (let round = 0; round < 2; round += 1)
      expect(await Promise.all(Array.from({ length: 8 }, () => sum(app)))).toEqual(
        Array(8).fill([{ sum: 42 }]),
      );
    const warnings = warn.mock.calls.filter(([message]) => /pooler/.test(String(message)));
    expect(warnings).toEqual([[expect.stringContaining('DATABASE_PREPARED=off')]]);
    warn.mockRestore();
  });
});
