/** A kind of job, and what happens to one that fails. */
export interface QueueDefinition<Data extends object = object> {
  /** Letters, digits, `-` and `_`; part of the stored data, so a name is forever. */
  name: string;
  /** Seconds before the first new try; each further gap is three times as long, up to `maxRetryDelaySeconds`. */
  retryDelaySeconds: number;
  /** Seconds between two tries at most. */
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
  /** Of jobs with the same key in the same queue only the first is accepted, for about two hours. */
  uniqueKey?: string;
}

export interface Job<Data extends object> {
  /** A UUID, the same at every try: what a job makes can take it for its own id, and a retry finds it again. */
  id: string;
  data: Data;
}

/** Thrown by a handler that knows when another try may succeed: there is none before. */
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
 * Durable background work. Default: pg-boss, in the same PostgreSQL as the data, so that a job commits or rolls back
 * with the change that causes it. Never put a secret into a job: it rests in the database.
 */
export abstract class JobQueue {
  /**
   * Adds a job, in the transaction under way where there is one. It is durable when the promise is fulfilled.
   * @returns whether it was added; `false` where another job has its unique key
   */
  abstract enqueue<Data extends object>(
    queue: QueueDefinition<Data>,
    data: Data,
    options?: EnqueueOptions,
  ): Promise<boolean>;

  /**
   * Says who handles the jobs of a queue. Each job is tried at least once; a thrown error means "again later",
   * as the queue says or, where that is later still, as {@link RetryLaterError} does.
   * @param onGivenUp told when a job is not tried any more
   */
  abstract work<Data extends object>(
    queue: QueueDefinition<Data>,
    handler: JobHandler<Data>,
    onGivenUp?: JobHandler<Data>,
  ): void;
}
