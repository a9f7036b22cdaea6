import { Injectable, Logger, OnApplicationBootstrap, OnModuleDestroy } from '@nestjs/common';
import { createHash } from 'node:crypto';
import PgBoss from 'pg-boss';
import type { EntityManager } from 'typeorm';
import { currentRequestId, describeError } from '../common';
import { TypeOrmTransactions } from '../database';
import { EnqueueOptions, JobHandler, JobQueue, QueueDefinition } from './job-queue';
import { JobLeases, StoredJob } from './job-leases';
import { JobWorker } from './job-worker';
import { JobsOptions } from './jobs.options';

/** Done jobs are kept, and their unique keys hold, this long. */
const KEPT_SECONDS = 7_200;
/** Dead jobs are kept this long, for an operator to try them again. */
const DEAD_KEPT_SECONDS = 7 * 86_400;
/** More tries than any queue has time for: when a job is given up is decided by time, by the database's clock. */
const ENOUGH_TRIES = 10_000;

/** Not the usual "pgboss": a host may run another version of it there. */
const SCHEMA = 'latchkey_jobs';

/** Jobs in PostgreSQL, by pg-boss, over the same connections (and in the same transactions) as all other data. */
@Injectable()
export class PgBossJobQueue extends JobQueue implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('Jobs');
  private readonly boss: PgBoss;
  private readonly workers = new Map<string, Pick<JobWorker<never>, 'start' | 'nudge' | 'stop'>>();

  constructor(
    private readonly transactions: TypeOrmTransactions,
    private readonly options: JobsOptions,
  ) {
    super();
    this.boss = new PgBoss({
      schema: SCHEMA,
      db: { executeSql: (text, values) => executeSql(transactions.manager, text, values) },
      migrate: false,
      schedule: false,
      supervise: options.work,
      maintenanceIntervalSeconds: 60,
      archiveCompletedAfterSeconds: KEPT_SECONDS,
      archiveFailedAfterSeconds: DEAD_KEPT_SECONDS,
      deleteAfterDays: 1,
    });
    this.boss.on('error', (error) => this.logger.warn(`Queue maintenance failed: ${describeError(error)}`));
  }

  async enqueue<Data extends object>(
    queue: QueueDefinition<Data>,
    data: Data,
    { uniqueKey }: EnqueueOptions = {},
  ): Promise<boolean> {
    const unique = uniqueKey ? { singletonKey: digest(uniqueKey), singletonSeconds: KEPT_SECONDS } : {};
    const id = await this.boss.send(
      queue.name,
      { requestId: currentRequestId(), data } satisfies StoredJob<Data>,
      unique,
    );
    // Before the commit the job cannot be seen, and its worker would go back to sleep.
    this.transactions.afterCommit(() => this.workers.get(queue.name)?.nudge());
    return id !== null;
  }

  work<Data extends object>(
    queue: QueueDefinition<Data>,
    handler: JobHandler<Data>,
    onGivenUp?: JobHandler<Data>,
  ): void {
    if (!this.options.work) return;
    const run = (text: string, values: unknown[]) => executeSql(this.transactions.manager, text, values);
    const leases = new JobLeases<Data>(this.boss, queue, run);
    this.workers.set(queue.name, new JobWorker<Data>(leases, queue, handler, onGivenUp, this.options));
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.boss.start();
    for (const worker of this.workers.values()) worker.start();
  }

  /** In the first phase of a shutdown: jobs under way still need the database and the mail server. */
  async onModuleDestroy(): Promise<void> {
    await Promise.all([...this.workers.values()].map((worker) => worker.stop()));
    await this.boss.stop({ graceful: false });
  }
}

/**
 * Creates or updates the tables of the queue, and the given queues in them. Needs the right to create tables, and no
 * transaction under way: an index is built beside writes.
 */
export async function installJobQueues(
  manager: EntityManager,
  queues: readonly QueueDefinition[],
): Promise<void> {
  const boss = new PgBoss({
    schema: SCHEMA,
    db: { executeSql: (text, values) => executeSql(manager, text, values) },
    schedule: false,
    supervise: false,
  });
  await boss.start();
  for (const queue of queues) {
    const options = {
      name: queue.name,
      retryLimit: ENOUGH_TRIES,
      // Only for a program of an earlier version that still runs; ours says for each job when it is tried again.
      retryDelay: Math.ceil(queue.retryDelaySeconds),
      retryBackoff: false,
      expireInSeconds: queue.leaseSeconds,
    };
    await boss.createQueue(queue.name, options);
    await boss.updateQueue(queue.name, options);
    await indexLeases(manager, queue);
  }
  await boss.stop({ graceful: false });
}

/** pg-boss has no index by which the few jobs under way are found among all that are done. */
async function indexLeases(manager: EntityManager, { name }: QueueDefinition): Promise<void> {
  const [partition] = await manager.query<[{ table: string }]>(
    `SELECT partition_name AS table FROM ${SCHEMA}.queue WHERE name = $1`,
    [name],
  );
  const index = `${partition.table.slice(0, 40)}_leases`;
  // One that was interrupted is there, and of no use.
  const [broken] = await manager.query<unknown[]>(
    'SELECT 1 FROM pg_index WHERE indexrelid = to_regclass($1) AND NOT indisvalid',
    [`${SCHEMA}.${index}`],
  );
  if (broken) await manager.query(`DROP INDEX CONCURRENTLY ${SCHEMA}.${index}`);
  await manager.query(
    `CREATE INDEX CONCURRENTLY IF NOT EXISTS ${index} ON ${SCHEMA}.${partition.table} (started_on) WHERE state = 'active'`,
  );
}

/** Keys are compared, never read: no address shall rest in them. */
function digest(key: string): string {
  return createHash('sha256').update(key).digest('base64url');
}

async function executeSql(
  manager: EntityManager,
  text: string,
  values?: unknown[],
): Promise<{ rows: unknown[] }> {
  const runner = manager.queryRunner ?? manager.dataSource.createQueryRunner();
  try {
    const { records } = await runner.query(text, values, true);
    return { rows: (records as unknown[] | undefined) ?? [] };
  } finally {
    if (runner !== manager.queryRunner) await runner.release();
  }
}
