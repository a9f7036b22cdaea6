import { Injectable, OnApplicationBootstrap, OnModuleDestroy } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { currentRequestId, digest, SharedRounds } from '../common';
import { deleteInBatches, TypeOrmTransactions } from '../database';
import { Housekeeping } from './housekeeping';
import { EnqueueOptions, JobHandler, JobQueue, JobTriage, QueueDefinition } from './job-queue';
import { JobLeases } from './job-leases';
import { JobWorker } from './job-worker';
import { JobsOptions } from './jobs.options';
import { PreviousJobs } from './previous-jobs';
import { sqlOf } from './run-sql';

/** A job that is to be stored. */
interface NewJob {
  id: string;
  queue: string;
  data: object;
  request: string;
  /** Due later, so that nobody who fetches jobs meanwhile takes it. */
  delay: number;
  /** Digest of its unique key. */
  key?: string;
}

/** The longest wait for the INSERT of those before, as long as for a connection: a silent database must not silence us. */
const PATIENCE_MS = 2_000;
const KEYS_HOLD = `interval '2 hours'`;
/** For an operator to try them again. */
const DEAD_KEPT = `interval '7 days'`;

/** Keys in their order, so that of two statements with the same keys none waits for the other in a circle. */
const INSERT = `WITH job AS (
    SELECT * FROM json_to_recordset($1) AS job (id uuid, queue text, data jsonb, request text, delay float8, key text)
  ), accepted AS (
    INSERT INTO latchkey.job_keys (key, expires_at)
    SELECT key, now() + ${KEYS_HOLD} FROM job WHERE key IS NOT NULL ORDER BY key
    ON CONFLICT DO NOTHING RETURNING key
  ) INSERT INTO latchkey.jobs (id, queue, data, request_id, due_at)
  SELECT id, queue, data, request, clock_timestamp() + make_interval(secs => delay) FROM job
  WHERE key IS NULL OR key IN (SELECT key FROM accepted) RETURNING id`;

/** Jobs in a table of PostgreSQL, over the same connections (and in the same transactions) as all other data. */
@Injectable()
export class PostgresJobQueue extends JobQueue implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly workers = new Map<string, Pick<JobWorker<never>, 'start' | 'nudge' | 'stop'>>();
  private readonly previous: PreviousJobs;
  /** Requests of the same moment share a statement, and so the wait for the disk. */
  private readonly inserting = new SharedRounds((jobs: readonly NewJob[]) => this.insert(jobs), {
    patienceMs: PATIENCE_MS,
  });

  constructor(
    private readonly transactions: TypeOrmTransactions,
    private readonly options: JobsOptions,
    housekeeping: Housekeeping,
  ) {
    super();
    this.previous = new PreviousJobs(sqlOf(transactions), this.workers);
    const deleteOld = (table: string, condition: string) =>
      deleteInBatches(this.transactions.manager, table, condition, []);
    housekeeping.register('keys of jobs', () => deleteOld('latchkey.job_keys', 'expires_at < now()'));
    housekeeping.register('dead jobs', () =>
      deleteOld('latchkey.jobs', `state = 'dead' AND due_at < now() - ${DEAD_KEPT}`),
    );
  }

  async enqueue<Data extends object>(
    { name: queue }: QueueDefinition<Data>,
    data: Data,
    { uniqueKey }: EnqueueOptions = {},
  ): Promise<boolean> {
    const delayMs = this.startDelayMs();
    const job: NewJob = { id: randomUUID(), queue, data, request: currentRequestId(), delay: delayMs / 1000 };
    if (uniqueKey) job.key = digest(`${queue} ${uniqueKey}`);
    const added = this.transactions.underWay ? (await this.insert([job]))[0]! : await this.inserting.do(job);
    // Before the commit the job cannot be seen, and its worker would go back to sleep.
    if (added) this.transactions.afterCommit(() => this.nudgeAfter(delayMs, queue));
    return added;
  }

  work<Data extends object>(
    queue: QueueDefinition<Data>,
    handler: JobHandler<Data>,
    onGivenUp?: JobHandler<Data>,
    triage?: JobTriage<Data>,
  ): void {
    if (!this.options.work) return;
    const leases = new JobLeases<Data>(queue, sqlOf(this.transactions));
    const worker = new JobWorker<Data>(leases, queue, handler, onGivenUp, this.options, triage);
    this.workers.set(queue.name, worker);
  }

  async onApplicationBootstrap(): Promise<void> {
    // Without our tables, fail now, not at the first request.
    await sqlOf(this.transactions)('SELECT 1 FROM latchkey.jobs LIMIT 1', []);
    await this.previous.start();
    for (const worker of this.workers.values()) worker.start();
  }

  /** In the first phase of a shutdown: jobs under way still need the database and the mail server. */
  async onModuleDestroy(): Promise<void> {
    await this.previous.stop();
    await Promise.all([...this.workers.values()].map((worker) => worker.stop()));
  }

  /** @returns for each job whether it was added */
  private async insert(jobs: readonly NewJob[]): Promise<boolean[]> {
    const keys = jobs.map(({ key }) => key);
    // Of those with one key, the first: a statement does not see what it inserts itself.
    const candidates = jobs.filter(({ key }, n) => key === undefined || keys.indexOf(key) === n);
    const { rows } = await this.transactions.query<{ id: string }>(INSERT, [JSON.stringify(candidates)]);
    const added = new Set(rows.map(({ id }) => id));
    return jobs.map(({ id }) => added.has(id));
  }

  /** Where others handle the jobs, the moment at which they fetch them is chance enough. */
  private startDelayMs(): number {
    const { work, startDelayMs } = this.options;
    return work ? Math.random() * startDelayMs : 0;
  }

  private nudgeAfter(delayMs: number, queueName: string): void {
    const worker = this.workers.get(queueName);
    if (!worker) return;
    if (delayMs === 0) worker.nudge();
    else setTimeout(() => worker.nudge(), delayMs + 1).unref();
  }
}
