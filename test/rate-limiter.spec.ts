import type { DynamicModule, LoggerService, Type } from '@nestjs/common';
import { Test, TestingModule } from '@nestjs/testing';
import { Redis } from 'ioredis';
import { randomUUID } from 'node:crypto';
import { ClsModule } from 'nestjs-cls';
import { DataSource } from 'typeorm';
import { CommonModule, Transactions } from '../src/common';
import { DatabaseModule } from '../src/database';
import { Housekeeping, JobsModule } from '../src/jobs';
import { LimiterUnavailableError, LimitsModule, RateLimiter } from '../src/limits';
import { InMemoryLimitsModule, rateLimiterContract } from '../src/testing';
import { until } from './support/mail-reader';
import { describeWithRedis, redisUrl, Wire } from './support/redis';

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
    await limiter().count(limit, address);
    await limiter().count(limit, 'x'.repeat(10_000));
    const keys = await storedKeys();
    expect(keys).toHaveLength(count + 2);
    expect(keys.filter((key) => key.includes('example.com') || key.length > 100)).toEqual([]);
  });

  it('are removed by the housekeeping when they have long been over, and no earlier', async () => {
    const [live, old] = [randomUUID(), randomUUID()];
    await limiter().count({ ...limit, name: live }, '');
    await limiter().count({ ...limit, name: old }, '');
    await first
      .get(DataSource)
      .query(`UPDATE latchkey.limit_counters SET expire = expire - 4000000 WHERE key LIKE $1`, [`${old}:%`]);
    await first.get(Housekeeping).run();
    const names = (await storedKeys()).map((key) => key.split(':')[0]);
    expect(names).toContain(live);
    expect(names).not.toContain(old);
  });

  it('refuse to count in a transaction, where it would not last', async () => {
    const count = first.get(Transactions).run(() => limiter().count(limit, randomUUID()));
    await expect(count).rejects.toThrow(LimiterUnavailableError);
  });

  it('allow nothing while they are gone, say so in the log once, and count on afterwards', async () => {
    const log = new RecordedLog();
    const module = await open(inPostgres(), log);
    const [own, key] = [module.get(RateLimiter), randomUUID()];
    await own.count(limit, key);
    const database = first.get(DataSource);
    await database.query('ALTER TABLE latchkey.limit_counters RENAME TO gone');
    try {
      for (let n = 0; n < 5; n++)
        await expect(own.count(limit, key)).rejects.toThrow(LimiterUnavailableError);
      await expect(own.uncount(limit, key)).rejects.toThrow(LimiterUnavailableError);
      await expect(own.clear(limit, key)).rejects.toThrow(LimiterUnavailableError);
    } finally {
      await database.query('ALTER TABLE latchkey.gone RENAME TO limit_counters');
    }
    expect(log.errors).toEqual([expect.stringContaining('cannot be reached')]);
    await expect(own.count({ ...limit, events: 1 }, key)).resolves.toMatchObject({ isFirstBeyond: true });
  });

  it('keep nobody waiting for a lock that is never given back', async () => {
    const key = randomUUID();
    await limiter().count(limit, key);
    const holder = first.get(DataSource).createQueryRunner();
    await holder.startTransaction();
    try {
      await holder.query('LOCK TABLE latchkey.limit_counters');
      await expect(limiter().count(limit, key)).rejects.toThrow(LimiterUnavailableError);
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
    await limiter.count({ ...limit, name }, 'susan@example.com');
    const [key, ...others] = await redis.keys(`latchkey:limits:${name}:*`);
    expect(others).toEqual([]);
    expect(key).toMatch(/:[\w-]{43}$/);
    expect(await redis.pttl(key!)).toBeGreaterThan(0);
  });

  it('allow nothing while Redis is gone, say so in the log once, and count on by themselves', async () => {
    const [wire, log, key] = [new Wire(redisUrl), new RecordedLog(), randomUUID()];
    const own = (await open(inRedis(await wire.start()), log)).get(RateLimiter);
    await own.count(limit, key);
    await wire.cut();
    for (let n = 0; n < 5; n++) await expect(own.count(limit, key)).rejects.toThrow(LimiterUnavailableError);
    await wire.start();
    const back = async () => (await own.count(limit, randomUUID()).catch(() => undefined)) !== undefined;
    await until(back, 'a connection');
    expect(log.errors).toEqual([expect.stringContaining('cannot be reached')]);
    // What was refused has not been counted later.
    await expect(own.count({ ...limit, events: 1 }, key)).resolves.toMatchObject({ isFirstBeyond: true });
    await closeLast();
    await wire.cut();
  });

  it('keep nobody waiting for a Redis that has fallen silent, and take another connection', async () => {
    const wire = new Wire(redisUrl);
    const own = (await open(inRedis(await wire.start()))).get(RateLimiter);
    await own.count(limit, randomUUID());
    wire.silence();
    const counts = Array.from({ length: 20 }, () => own.count(limit, randomUUID()));
    for (const result of await Promise.allSettled(counts)) expect(result.status).toBe('rejected');
    const back = async () => (await own.count(limit, randomUUID()).catch(() => undefined)) !== undefined;
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
    await expect(own.count(limit, randomUUID())).rejects.toThrow(LimiterUnavailableError);
    await closeLast();
  }
});

/** What a store outside of the process adds to the contract. */
function sharedBy(imports: () => Imports): void {
  it('are exact over four instances and 500 parallel events', async () => {
    const instances = await Promise.all(Array.from({ length: 4 }, () => open(imports())));
    const key = randomUUID();
    const counts = Array.from({ length: 500 }, (_, n) =>
      instances[n % 4]!.get<RateLimiter>(RateLimiter).count(limit, key),
    );
    const verdicts = await Promise.all(counts);
    expect(verdicts.filter(({ allowed }) => allowed)).toHaveLength(10);
    expect(verdicts.filter(({ isFirstBeyond }) => isFirstBeyond)).toHaveLength(1);
    for (const _ of instances) await closeLast();
  });

  it('survive a restart', async () => {
    const key = randomUUID();
    for (let n = 0; n < 10; n++) {
      const module = await open(imports());
      await expect(module.get<RateLimiter>(RateLimiter).count(limit, key)).resolves.toMatchObject({
        allowed: true,
      });
      await closeLast();
    }
    const after = await open(imports());
    await expect(after.get<RateLimiter>(RateLimiter).count(limit, key)).resolves.toMatchObject({
      allowed: false,
    });
    await closeLast();
  });
}

async function closeLast(): Promise<void> {
  await modules.pop()!.close();
}
