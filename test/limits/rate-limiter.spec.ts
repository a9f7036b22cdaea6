import type { DynamicModule, LoggerService, Type } from '@nestjs/common';
import { Test, TestingModule } from '@nestjs/testing';
import { Redis } from 'ioredis';
import { randomInt, randomUUID } from 'node:crypto';
import { ClsModule } from 'nestjs-cls';
import { DataSource } from 'typeorm';
import { CommonModule, Transactions } from '../../src/common';
import { DatabaseModule } from '../../src/database';
import { Housekeeping, JobsModule } from '../../src/jobs';
import { LimiterUnavailableError, LimitsModule, LimitVerdict, RateLimiter } from '../../src/limits';
import { InMemoryLimitsModule, rateLimiterContract } from '../../src/testing';
import { until } from '../support/mail-reader';
import { describeWithRedis, redisUrl, Wire } from '../support/redis';
import { statementsDuring } from '../support/statements';

type Imports = (Type | DynamicModule)[];

const limit = { name: 'spec', events: 10, seconds: 60 };
const url = process.env['TEST_DATABASE_URL']!;

class RecordedLog implements LoggerService {
  readonly errors: string[] = [];
  log(): void {}
  warn(): void {}
  error(message: string): void {
    this.errors.push(message);
  }
}

const modules: TestingModule[] = [];

async function open(imports: Imports, log = new RecordedLog()): Promise<TestingModule> {
  const module = await Test.createTestingModule({ imports }).setLogger(log).compile();
  modules.push(module);
  return module.init();
}

afterAll(async () => {
  for (const module of modules.splice(0)) await module.close();
});

const inPostgres = (): Imports => [
  ClsModule.forRoot({ global: true }),
  CommonModule.forRoot({ secretKey: 'k7Qm2Zt9Xw4Lr8Vb1Nc6Hd3Jf5Gs0Py-test' }),
  DatabaseModule.forRoot({ url }),
  JobsModule.forRoot({ work: false }),
  LimitsModule.forRoot(),
];
const inRedis = (address = redisUrl): Imports => [LimitsModule.forRoot({ redisUrl: address })];

describe('counters in memory', () => {
  let limiter: RateLimiter;
  beforeAll(async () => (limiter = (await open([InMemoryLimitsModule])).get(RateLimiter)));

  rateLimiterContract(() => limiter);
});

describe('counters in PostgreSQL', () => {
  let first: TestingModule;
  beforeAll(async () => (first = await open(inPostgres())));
  const limiter = () => first.get(RateLimiter);
  const storedKeys = async () => {
    const rows: { key: string }[] = await first
      .get(DataSource)
      .query('SELECT key FROM latchkey.limit_counters');
    return rows.map(({ key }) => key);
  };

  rateLimiterContract(limiter);

  sharedBy(inPostgres);

  it('are short, and no address can be read in them', async () => {
    const [address, count] = [`${randomUUID()}@example.com`, (await storedKeys()).length];
    await limiter().consume(limit, address);
    await limiter().consume(limit, 'x'.repeat(10_000));
    const keys = await storedKeys();
    expect(keys).toHaveLength(count + 2);
    expect(keys.filter((key) => key.includes('example.com') || key.length > 100)).toEqual([]);
  });

  it('are one statement, for all counters of a request and all requests of one turn of the event loop', async () => {
    const counters = ['minute', 'hour', 'network'].map((name) => ({
      limit: { ...limit, name },
      key: randomUUID(),
    }));
    const count = () => limiter().consumeInOrder(counters);
    expect(await counterStatementsDuring(count)).toHaveLength(1);
    const requests = () => Promise.all(Array.from({ length: 20 }, count));
    expect(await counterStatementsDuring(requests)).toHaveLength(1);
    expect((await count()).map(({ events }) => events)).toEqual([22]);
  });

  it('are found by their index, also where the table was small when it was planned: a flood fills it in a moment', async () => {
    const runner = first.get(DataSource).createQueryRunner();
    const scans = async () => {
      const [row] = (await runner.query(
        `SELECT seq_scan::int AS scans FROM pg_stat_xact_user_tables WHERE relid = 'latchkey.limit_counters'::regclass`,
      )) as unknown as [{ scans: number }];
      return row.scans;
    };
    await runner.startTransaction();
    try {
      await runner.query('TRUNCATE latchkey.limit_counters');
      await runner.query(`INSERT INTO latchkey.limit_counters VALUES ('a counter', 1, 1)`);
      await runner.query('ANALYZE latchkey.limit_counters');
      const before = await scans();
      // Often enough for PostgreSQL to keep a plan.
      for (let n = 0; n < 10; n++)
        await runner.query(
          `SELECT * FROM latchkey.count_in_order('{0}', '{a counter}', '{10}', '{60000}', 1)`,
        );
      expect(await scans()).toBe(before);
    } finally {
      await runner.rollbackTransaction();
      await runner.release();
    }
  });

  it('wait for no disk, and everything else on the connection does', async () => {
    const database = first.get(DataSource);
    // Called by the commit, when the setting takes effect.
    await database.query(`
      CREATE TABLE latchkey.seen_at_commit (setting text);
      CREATE FUNCTION latchkey.see_commit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO latchkey.seen_at_commit VALUES (current_setting('synchronous_commit')); RETURN NULL; END $$;
      CREATE CONSTRAINT TRIGGER see_commit AFTER INSERT OR UPDATE OR DELETE ON latchkey.limit_counters
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION latchkey.see_commit()`);
    const seen = async () => {
      const rows = await database.query<{ setting: string }[]>(
        'DELETE FROM latchkey.seen_at_commit RETURNING *',
      );
      return new Set((rows as unknown as [{ setting: string }[]])[0].map(({ setting }) => setting));
    };
    try {
      const key = randomUUID();
      for (const write of ['consume', 'refund', 'clear'] as const) {
        await limiter()[write](limit, key);
        expect([write, await seen()]).toEqual([write, new Set(['off'])]);
      }
      await database.query(`INSERT INTO latchkey.limit_counters VALUES ($1, 1, 1)`, [key]);
      expect(await seen()).toEqual(new Set(['on']));
    } finally {
      await database.query('DROP FUNCTION latchkey.see_commit() CASCADE; DROP TABLE latchkey.seen_at_commit');
    }
  });

  it('are removed by the housekeeping when they have long been over, and no earlier', async () => {
    const [live, old] = [randomUUID(), randomUUID()];
    await limiter().consume({ ...limit, name: live }, '');
    await limiter().consume({ ...limit, name: old }, '');
    await first
      .get(DataSource)
      .query(`UPDATE latchkey.limit_counters SET expire = expire - 4000000 WHERE key LIKE $1`, [`${old}:%`]);
    await first.get(Housekeeping).run();
    const names = (await storedKeys()).map((key) => key.split(':')[0]);
    expect(names).toContain(live);
    expect(names).not.toContain(old);
  });

  it('refuse to count in a transaction, where it would not last', async () => {
    const count = first.get(Transactions).run(() => limiter().consume(limit, randomUUID()));
    await expect(count).rejects.toThrow(LimiterUnavailableError);
  });

  it('allow nothing while they are gone, say so in the log once, and count on afterwards', async () => {
    const log = new RecordedLog();
    const module = await open(inPostgres(), log);
    const [own, key] = [module.get(RateLimiter), randomUUID()];
    await own.consume(limit, key);
    const database = first.get(DataSource);
    await database.query('ALTER TABLE latchkey.limit_counters RENAME TO gone');
    try {
      for (let n = 0; n < 5; n++)
        await expect(own.consume(limit, key)).rejects.toThrow(LimiterUnavailableError);
      await expect(own.refund(limit, key)).rejects.toThrow(LimiterUnavailableError);
      await expect(own.clear(limit, key)).rejects.toThrow(LimiterUnavailableError);
    } finally {
      await database.query('ALTER TABLE latchkey.gone RENAME TO limit_counters');
    }
    expect(log.errors).toEqual([expect.stringContaining('cannot be reached')]);
    await expect(own.consume({ ...limit, events: 1 }, key)).resolves.toMatchObject({ isFirstBeyond: true });
  });

  it('keep nobody waiting for a lock that is never given back', async () => {
    const key = randomUUID();
    await limiter().consume(limit, key);
    const holder = first.get(DataSource).createQueryRunner();
    await holder.startTransaction();
    try {
      await holder.query('LOCK TABLE latchkey.limit_counters');
      await expect(limiter().consume(limit, key)).rejects.toThrow(LimiterUnavailableError);
    } finally {
      await holder.rollbackTransaction();
      await holder.release();
    }
  });
});

describeWithRedis('counters in Redis', () => {
  let limiter: RateLimiter;
  let redis: Redis;
  beforeAll(async () => {
    limiter = (await open(inRedis())).get(RateLimiter);
    redis = new Redis(redisUrl);
  });
  afterAll(() => redis.quit());

  rateLimiterContract(() => limiter);

  sharedBy(inRedis);

  it('are short, no address can be read in them, and each of them ends', async () => {
    const name = `spec-${randomUUID()}`;
    await limiter.consume({ ...limit, name }, 'susan@example.com');
    const [key, ...others] = await redis.keys(`latchkey:limits:${name}:*`);
    expect(others).toEqual([]);
    expect(key).toMatch(/:[\w-]{43}$/);
    expect(await redis.pttl(key!)).toBeGreaterThan(0);
  });

  it('allow nothing while Redis is gone, say so in the log once, and count on by themselves', async () => {
    const [wire, log, key] = [new Wire(redisUrl), new RecordedLog(), randomUUID()];
    const own = (await open(inRedis(await wire.start()), log)).get(RateLimiter);
    await own.consume(limit, key);
    await wire.cut();
    for (let n = 0; n < 5; n++)
      await expect(own.consume(limit, key)).rejects.toThrow(LimiterUnavailableError);
    await wire.start();
    const back = async () => (await own.consume(limit, randomUUID()).catch(() => undefined)) !== undefined;
    await until(back, 'a connection');
    expect(log.errors).toEqual([expect.stringContaining('cannot be reached')]);
    // What was refused has not been counted later.
    await expect(own.consume({ ...limit, events: 1 }, key)).resolves.toMatchObject({ isFirstBeyond: true });
    await closeLast();
    await wire.cut();
  });

  it('keep nobody waiting for a Redis that has fallen silent, and take another connection', async () => {
    const wire = new Wire(redisUrl);
    const own = (await open(inRedis(await wire.start()))).get(RateLimiter);
    await own.consume(limit, randomUUID());
    wire.silence();
    const counts = Array.from({ length: 20 }, () => own.consume(limit, randomUUID()));
    for (const result of await Promise.allSettled(counts)) expect(result.status).toBe('rejected');
    const back = async () => (await own.consume(limit, randomUUID()).catch(() => undefined)) !== undefined;
    await until(back, 'a connection that is not silent');
    await closeLast();
    await wire.cut();
  });

  it('do not keep the server from starting where Redis is not there', async () => {
    await startsWithout('redis://127.0.0.1:1');
  });

  it('do not keep the server from starting where Redis says nothing', async () => {
    const wire = new Wire(redisUrl, { silent: true });
    await startsWithout(await wire.start());
    await wire.cut();
  });

  async function startsWithout(address: string): Promise<void> {
    const log = new RecordedLog();
    const own = (await open(inRedis(address), log)).get(RateLimiter);
    expect(log.errors).toEqual([expect.stringContaining('REDIS_URL: no answer yet')]);
    await expect(own.consume(limit, randomUUID())).rejects.toThrow(LimiterUnavailableError);
    await closeLast();
  }
});

/** What a store outside of the process adds to the contract. */
function sharedBy(imports: () => Imports): void {
  // More at once, and those at the end of the row's queue meet the deadline of a count on a busy machine.
  it('are exact over four instances and 500 events, 50 at a time', async () => {
    const instances = await Promise.all(Array.from({ length: 4 }, () => open(imports())));
    const key = randomUUID();
    const verdicts: LimitVerdict[] = [];
    for (let round = 0; round < 10; round++) {
      const counts = Array.from({ length: 50 }, (_, n) =>
        instances[n % 4]!.get<RateLimiter>(RateLimiter).consume(limit, key),
      );
      verdicts.push(...(await Promise.all(counts)));
    }
    expect(verdicts.filter(({ allowed }) => allowed)).toHaveLength(10);
    expect(verdicts.filter(({ isFirstBeyond }) => isFirstBeyond)).toHaveLength(1);
    for (const _ of instances) await closeLast();
  });

  it('never wait for each other in a circle, whatever the order in which requests name them', async () => {
    const instances = await Promise.all(Array.from({ length: 4 }, () => open(imports())));
    const keys = Array.from({ length: 6 }, () => randomUUID());
    const plenty = { ...limit, events: 1000 };
    for (let round = 0; round < 10; round++) {
      const counts = Array.from({ length: 40 }, (_, n) => {
        const counters = keys.map((key) => ({ limit: plenty, key, at: randomInt(1000) }));
        counters.sort((one, other) => one.at - other.at);
        return instances[n % 4]!.get<RateLimiter>(RateLimiter).consumeInOrder(counters);
      });
      await Promise.all(counts);
    }
    const [verdict] = await instances[0]!
      .get<RateLimiter>(RateLimiter)
      .consumeInOrder([{ limit: plenty, key: keys[0]! }]);
    expect(verdict).toMatchObject({ events: 401 });
    for (const _ of instances) await closeLast();
  });

  it('survive a restart', async () => {
    const key = randomUUID();
    for (let n = 0; n < 10; n++) {
      const module = await open(imports());
      await expect(module.get<RateLimiter>(RateLimiter).consume(limit, key)).resolves.toMatchObject({
        allowed: true,
      });
      await closeLast();
    }
    const after = await open(imports());
    await expect(after.get<RateLimiter>(RateLimiter).consume(limit, key)).resolves.toMatchObject({
      allowed: false,
    });
    await closeLast();
  });
}

/** The statements about counters that this process sends while something is done. */
async function counterStatementsDuring(work: () => Promise<unknown>): Promise<string[]> {
  const sent = await statementsDuring(work);
  return sent.map(({ text }) => text).filter((text) => /limit_counters|count_in_order/.test(text));
}

async function closeLast(): Promise<void> {
  await modules.pop()!.close();
}
