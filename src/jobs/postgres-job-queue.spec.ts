import { Test, TestingModule } from '@nestjs/testing';
import { randomUUID } from 'node:crypto';
import { DataSource } from 'typeorm';
import { DatabaseModule, TypeOrmTransactions } from '../database';
import { Housekeeping } from './housekeeping';
import { Job, JobQueue, JobTriage } from './job-queue';
import { JobLeases } from './job-leases';
import { JobsModule } from './jobs.module';
import { PROMPT_RETRIES } from './retry-delay';
import { sqlOf } from './run-sql';

const SILENT = { log: () => undefined, warn: () => undefined, error: () => undefined };

/** A node of a plan, as `EXPLAIN (FORMAT JSON)` describes it. */
interface PlanNode {
  'Node Type': string;
  'Parent Relationship'?: string;
  Plans?: PlanNode[];
}

const nodesOf = (node: PlanNode): PlanNode[] => [node, ...(node.Plans ?? []).flatMap(nodesOf)];

async function open(work: boolean): Promise<TestingModule> {
  return Test.createTestingModule({
    imports: [
      DatabaseModule.forRoot({ url: process.env['TEST_DATABASE_URL']! }),
      JobsModule.forRoot({ work, startDelayMs: 0, pollingSeconds: 0.05 }),
    ],
  })
    .setLogger(SILENT)
    .compile();
}

const until = async (condition: () => boolean | Promise<boolean>) => {
  for (let tries = 0; !(await condition()); tries++) {
    if (tries === 1000) throw new Error(`This did not come true: ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
};

describe('the queue in PostgreSQL', () => {
  const queue = { name: 'queue-spec', ...PROMPT_RETRIES, concurrency: 5 };
  let module: TestingModule;
  let database: DataSource;

  beforeAll(async () => {
    module = await open(false);
    await module.init();
    database = module.get(DataSource);
  });
  beforeEach(() => database.query('TRUNCATE latchkey.jobs, latchkey.job_keys'));
  afterAll(async () => {
    await database.query('TRUNCATE latchkey.jobs, latchkey.job_keys');
    await module.close();
  });

  const enqueue = (text: string, uniqueKey?: string) =>
    module.get(JobQueue).enqueue(queue, { text }, { uniqueKey });

  const texts = async (): Promise<string[]> => {
    const rows = await database.query<{ text: string }[]>(
      `SELECT data->>'text' AS text FROM latchkey.jobs ORDER BY added_at`,
    );
    return rows.map(({ text }) => text);
  };

  /** The statements that something causes. */
  const statementsOf = async (work: () => Promise<unknown>): Promise<string[]> => {
    const log = jest.spyOn(database.logger, 'logQuery');
    try {
      await work();
      return log.mock.calls.map(([text]) => text);
    } finally {
      log.mockRestore();
    }
  };

  it('adds the jobs of one turn of the event loop by one statement, each with its own answer', async () => {
    const added = { answers: [] as boolean[] };
    const statements = await statementsOf(async () => {
      added.answers = await Promise.all([
        enqueue('a', 'key'),
        enqueue('b'),
        enqueue('c', 'key'),
        enqueue('d', 'another key'),
      ]);
    });
    expect(added.answers).toEqual([true, true, false, true]);
    expect(await texts()).toEqual(['a', 'b', 'd']);
    expect(statements).toHaveLength(1);
  });

  it('fails all that share a statement which fails, and adds none of them', async () => {
    const results = await Promise.allSettled([enqueue('a'), enqueue('\u0000'), enqueue('b')]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(await texts()).toEqual([]);
    expect(await enqueue('c')).toBe(true);
  });

  it('keeps a unique key after its job is done, for two hours, and then no longer', async () => {
    const key = randomUUID();
    expect(await enqueue('first', key)).toBe(true);
    await database.query('DELETE FROM latchkey.jobs');
    expect(await enqueue('second', key)).toBe(false);
    const lasts = 'SELECT extract(epoch FROM expires_at - now())::int / 60 AS minutes FROM latchkey.job_keys';
    expect([119, 120]).toContain((await database.query<[{ minutes: number }]>(lasts))[0].minutes);
    await module.get(Housekeeping).run();
    expect(await enqueue('third', key)).toBe(false);
    await database.query(`UPDATE latchkey.job_keys SET expires_at = expires_at - interval '2 hours'`);
    await module.get(Housekeeping).run();
    expect(await enqueue('fourth', key)).toBe(true);
  });

  it('keeps dead jobs for seven days, and waiting ones for ever', async () => {
    for (const text of ['waiting', 'dead', 'long dead']) await enqueue(text);
    const kill = `UPDATE latchkey.jobs SET state = 'dead', due_at = now() - make_interval(days => $2) WHERE data->>'text' = $1`;
    await database.query(kill, ['dead', 6]);
    await database.query(kill, ['long dead', 8]);
    await database.query(
      `UPDATE latchkey.jobs SET due_at = now() - interval '8 days' WHERE state = 'waiting'`,
    );
    await module.get(Housekeeping).run();
    expect(await texts()).toEqual(['waiting', 'dead']);
  });
});

describe('with 100,000 jobs that wait, a worker', () => {
  const queue = { name: 'long-queue-spec', ...PROMPT_RETRIES, concurrency: 5 };
  let module: TestingModule;
  let database: DataSource;

  beforeAll(async () => {
    module = await open(false);
    await module.init();
    database = module.get(DataSource);
    await database.query('TRUNCATE latchkey.jobs');
    await database.query(
      `INSERT INTO latchkey.jobs (id, queue, data, request_id, due_at, tries)
       SELECT gen_random_uuid(), $1, jsonb_build_object('n', n), 'some-request',
         now() - interval '1 hour' + n * interval '1 ms', (n % 20 = 0)::int
       FROM generate_series(1, 100000) AS n`,
      [queue.name],
    );
  });
  afterAll(async () => {
    await database.query('TRUNCATE latchkey.jobs');
    await module.close();
  });

  /** The plan of the statement that something runs. Nothing is changed. */
  async function planOf(work: (leases: JobLeases<object>) => Promise<unknown>): Promise<PlanNode> {
    let plan: PlanNode | undefined;
    const sql = async <Row>(text: string, values: unknown[]): Promise<Row[]> => {
      const [row] = await database.query<[{ 'QUERY PLAN': [{ Plan: PlanNode }] }]>(
        `EXPLAIN (FORMAT JSON) ${text}`,
        values,
      );
      plan = row['QUERY PLAN'][0].Plan;
      return [];
    };
    await work(new JobLeases(queue, sql));
    return plan!;
  }

  const held = Array.from({ length: 250 }, () => ({
    ...{ id: randomUUID(), claim: 1, tries: 0, requestId: '', data: {} },
  }));
  const STATEMENTS: Record<string, (leases: JobLeases<object>) => Promise<unknown>> = {
    take: (leases) => leases.take(250, 20),
    complete: (leases) => leases.complete(held),
    renew: (leases) => leases.renew(held),
    release: (leases) => leases.release(held),
    reclaim: (leases) => leases.reclaimExpired(),
    'put off': (leases) => leases.retryLater(held[0]!, 10, 'late'),
  };

  it.each([
    ['are no statistics', 'SELECT 1'],
    ['are statistics', 'ANALYZE latchkey.jobs'],
  ])('finds its jobs by an index, in their order, where there %s', async (_, prepare) => {
    await database.query(prepare);
    for (const [name, statement] of Object.entries(STATEMENTS)) {
      const nodes = nodesOf(await planOf(statement));
      const scans = nodes.filter((node) => node['Node Type'] === 'Seq Scan');
      // The few that were taken are put in order afterwards; nothing else is.
      const sorted = nodes
        .filter((node) => node['Node Type'].endsWith('Sort'))
        .flatMap(({ Plans = [] }) => Plans.filter((plan) => plan['Parent Relationship'] === 'Outer'))
        .map((node) => node['Node Type']);
      const expected = name === 'take' ? ['CTE Scan'] : [];
      expect({ name, scans, sorted }).toEqual({ name, scans: [], sorted: expected });
    }
  });

  it('takes the oldest first', async () => {
    const leases = new JobLeases<{ n: number }>(queue, sqlOf(module.get(TypeOrmTransactions)));
    const jobs = [...(await leases.take(3, 0)), ...(await leases.take(3, 2))];
    expect(jobs.map(({ data }) => data.n)).toEqual([1, 2, 3, 4, 5, 6, 20, 40]);
  });
});

describe('a worker on PostgreSQL', () => {
  const queue = { name: 'worker-spec', ...PROMPT_RETRIES, concurrency: 2 };
  let module: TestingModule;
  let database: DataSource;
  let handle: (job: Job<{ n: number }>) => Promise<void>;
  let triage: JobTriage<{ n: number }>;

  beforeAll(async () => {
    module = await open(true);
    database = module.get(DataSource);
    module.get(JobQueue).work<{ n: number }>(
      queue,
      (job) => handle(job),
      undefined,
      (jobs) => triage(jobs),
    );
    await module.init();
  });
  afterAll(() => module.close());

  const enqueueAll = (count: number) =>
    module.get(TypeOrmTransactions).run(async () => {
      for (let n = 0; n < count; n++) await module.get(JobQueue).enqueue(queue, { n });
    });

  const left = async () => {
    const count = 'SELECT count(*)::int AS n FROM latchkey.jobs WHERE queue = $1';
    return (await database.query<[{ n: number }]>(count, [queue.name]))[0].n;
  };

  it('has a triage settle hundreds of jobs at once, and handles the others', async () => {
    const handled: number[] = [];
    const batches: number[] = [];
    handle = ({ data }) => Promise.resolve(void handled.push(data.n));
    triage = (jobs) => {
      batches.push(jobs.length);
      return Promise.resolve(jobs.filter(({ data }) => data.n % 100 === 0));
    };
    await enqueueAll(600);
    await until(async () => (await left()) === 0);
    expect(handled).toEqual([0, 100, 200, 300, 400, 500]);
    expect(batches).toEqual([250, 250, 100]);
  });

  it('settles what is triaged later while slow jobs take all turns', async () => {
    let goOn = () => undefined as void;
    const slow = new Promise<void>((resolve) => (goOn = resolve));
    handle = () => slow;
    triage = (jobs) => Promise.resolve(jobs.filter(({ data }) => data.n < 3));
    await enqueueAll(400);
    await until(async () => (await left()) === 3);
    goOn();
    await until(async () => (await left()) === 0);
  });

  it('handles a batch job by job where its triage fails: one bad job must not hold up the others', async () => {
    const handled: number[] = [];
    handle = ({ data }) => Promise.resolve(void handled.push(data.n));
    triage = () => Promise.reject(new Error('no'));
    await enqueueAll(5);
    await until(async () => (await left()) === 0);
    expect(handled).toEqual([0, 1, 2, 3, 4]);
  });
});
