/** A kind of job, and what happens to one that fails. */
export interface QueueDefinition<Data extends object = object> {
  /** Letters, digits, `-` and `_`; part of the stored data, so it must not change. */
  name: string;
  /** Seconds before the first new try; each further gap is three times as long, up to `maxRetryDelaySeconds`. */
  retryDelaySeconds: number;
  /** The longest time between two tries, in seconds. */
  maxRetryDelaySeconds: number;
  /** Seconds from when a job was added until it is given up. It stays then, as dead: see {@link QueuedJobs.retry}. */
  giveUpAfterSeconds: number;
  /** Seconds after which the job of a worker that has died is free again. A worker that lives prolongs its lease. */
  leaseSeconds: number;
  /** Jobs of this kind that one process handles at a time. */
  concurrency: number;
  /** Carries the type of the data; never set. */
  readonly data?: Data;
}

export interface EnqueueOptions {
  /** Of jobs with the same key in the same queue, only the first is accepted for about two hours. */
  uniqueKey?: string;
}

export interface Job<Data extends object> {
  /** A UUID, the same at every try: a job can use it as the id of what it creates, and a retry finds it. */
  id: string;
  data: Data;
  /** Of the request that caused it: for a triage, whose jobs come from many requests. */
  requestId?: string;
}

/** Thrown by a handler that knows when another try may succeed: it is not tried before. */
export class RetryLaterError extends Error {
  override readonly name: string = 'RetryLaterError';

  constructor(
    message: string,
    readonly retryAfterSeconds: number,
  ) {
    super(message);
  }
}

export type JobHandler<Data extends object> = (job: Job<Data>) => Promise<void>;

/**
 * Settles, in a few statements for all of them, those jobs of a batch that need no work of their own.
 * @returns the jobs that are left for the handler
 */
export type JobTriage<Data extends object> = (jobs: readonly Job<Data>[]) => Promise<Job<Data>[]>;

/**
 * Durable background work. Default: a table in the same PostgreSQL as the data, so that a job commits or rolls back with
 * the change that causes it. Never put a secret into a job: jobs are stored in the database.
 */
export abstract class JobQueue {
  /**
   * Adds a job, in the current transaction if there is one. It is durable when the promise is fulfilled.
   * @returns whether it was added; `false` if another job has its unique key
   */
  abstract enqueue<Data extends object>(
    queue: QueueDefinition<Data>,
    data: Data,
    options?: EnqueueOptions,
  ): Promise<boolean>;

  /**
   * Registers the handler of a queue. Each job is tried at least once; a thrown error means "again later", after the delay
   * of the queue or that of a {@link RetryLaterError}, whichever is longer.
   * @param onGivenUp called when a job is not tried any more
   * @param triage for engines that take jobs in batches: called with each batch before its jobs are handled. Others ignore
   *   it; the handler alone handles every job as well.
   */
  abstract work<Data extends object>(
    queue: QueueDefinition<Data>,
    handler: JobHandler<Data>,
    onGivenUp?: JobHandler<Data>,
    triage?: JobTriage<Data>,
  ): void;
}
