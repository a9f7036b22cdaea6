import { DataSource } from 'typeorm';
import { DatabaseClock, openDataSource } from '../../src/database';

describe('the clock of the database', () => {
  let database: DataSource;
  let clock: DatabaseClock;

  beforeEach(async () => {
    database = await openDataSource({ url: process.env['TEST_DATABASE_URL']!, poolSize: 1 });
    clock = new DatabaseClock(database);
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    clock.onModuleDestroy();
    if (database.isInitialized) await database.destroy();
  });

  const millisecondsBeside = async (expected: number) => {
    const [{ now }] = await database.query<[{ now: string }]>(
      'SELECT extract(epoch FROM now()) * 1000 AS now',
    );
    return Math.abs(clock.now().getTime() - Number(now) - expected);
  };

  it('is that of the database, whatever this machine says, and however its clock is set meanwhile', async () => {
    jest.spyOn(Date, 'now').mockReturnValue(0);
    jest.spyOn(performance, 'timeOrigin', 'get').mockReturnValue(5 * 60 * 1000);
    await clock.onModuleInit();
    expect(await millisecondsBeside(0)).toBeLessThan(1000);
  });

  it('of a database five minutes ahead is five minutes ahead', async () => {
    const query = database.query.bind(database) as (text: string) => Promise<{ now: string }[]>;
    jest.spyOn(database, 'query').mockImplementation(async (text: string) => {
      const [{ now }] = (await query(text)) as [{ now: string }];
      return [{ now: String(Number(now) + 300_000) }] as never;
    });
    await clock.onModuleInit();
    jest.restoreAllMocks();
    expect(await millisecondsBeside(300_000)).toBeLessThan(1000);
  });

  it('goes on while the database is away', async () => {
    await clock.onModuleInit();
    await database.destroy();
    const before = clock.now();
    await new Promise((resolve) => setImmediate(resolve));
    expect(clock.now().getTime()).toBeGreaterThanOrEqual(before.getTime());
  });
});
