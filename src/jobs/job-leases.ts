import type PgBoss from 'pg-boss';
import type { QueueDefinition } from './job-queue';

/** What is stored of a job: its data, and the id of the request that caused it. */
export interface StoredJob<Data> {
  requestId: string;
  data: Data;
}

/** A job that this process holds. */
export interface LeasedJob<Data> extends StoredJob<Data> {
  id: string;
  /** Grows with every worker that takes the job: whoever held it before can settle nothing any more (fencing). */
  claim: number;
}

/** A job that nobody holds any more, with what its worker had not done. */
export interface LostJob<Data> extends StoredJob<Data> {
  id: string;
  givenUp: boolean;
}

export type ExecuteSql = (text: string, values: unknown[]) => Promise<{ rows: unknown[] }>;

const JOBS = 'latchkey_jobs.job';
/** A waiting job that has outlived its queue's patience is dead instead. $2: seconds of that patience. */
const HAS_TIME = 'created_on + make_interval(secs => $2) > now()';
const WAITS_OR_IS_DEAD = `
  state = (CASE WHEN ${HAS_TIME} THEN 'retry' ELSE 'failed' END)::latchkey_jobs.job_state,
  completed_on = CASE WHEN ${HAS_TIME} THEN NULL ELSE now() END`;

/** Jobs that fail slowly must not hold up those that never had a try, as they would being older. */
const BEHIND_FIRST_TRIES = -1;

/**
 * Takes jobs of one queue for a time, and settles them. pg-boss hands jobs out and keeps its tables; it cannot prolong a
 * lease, nor tell its present holder from an earlier one, so these statements are ours.
 */
export class JobLeases<Data extends object> {
  constructor(
    private readonly boss: Pick<PgBoss, 'fetch'>,
    private readonly queue: QueueDefinition<Data>,
    private readonly executeSql: ExecuteSql,
  ) {}

  async take(limit: number): Promise<LeasedJob<Data>[]> {
    const jobs = await this.boss.fetch<StoredJob<Data>>(this.queue.name, {
      batchSize: limit,
      includeMetadata: true,
    });
    return jobs.map(({ id, retryCount: claim, data }) => ({ id, claim, ...data }));
  }

  /** Begins the leases of jobs anew. */
  async renew(jobs: readonly LeasedJob<Data>[]): Promise<void> {
    await this.update('SET started_on = now()', jobs);
  }

  /** Gives jobs back as they are, to be taken at once by whoever is there. */
  async release(jobs: readonly LeasedJob<Data>[]): Promise<void> {
    await this.update(`SET state = 'retry', start_after = now()`, jobs);
  }

  /** A job is done. Of its data, such as the address of a person, nothing is kept. */
  async complete(job: LeasedJob<Data>): Promise<void> {
    const set = `SET state = 'completed', completed_on = now(), output = NULL,
      data = jsonb_build_object('requestId', data->'requestId')`;
    await this.update(set, [job]);
  }

  /**
   * A job has failed and waits, or is dead where it has failed for too long.
   * @param error a code; a message may quote what must not rest in a table
   * @returns whether it is dead
   */
  async putOff({ id, claim }: LeasedJob<Data>, delaySeconds: number, error: string): Promise<boolean> {
    const { rows } = await this.executeSql(
      `UPDATE ${JOBS} SET ${WAITS_OR_IS_DEAD}, output = jsonb_build_object('error', $6::text),
        start_after = now() + make_interval(secs => $5), priority = ${BEHIND_FIRST_TRIES}
      WHERE name = $1 AND id = $3 AND retry_count = $4 AND state = 'active' RETURNING state`,
      [this.queue.name, this.queue.giveUpAfterSeconds, id, claim, delaySeconds, error],
    );
    return (rows as { state: string }[])[0]?.state === 'failed';
  }

  /** Frees the jobs of workers that have died. */
  async takeBack(): Promise<LostJob<Data>[]> {
    const { rows } = await this.executeSql(
      `UPDATE ${JOBS} SET ${WAITS_OR_IS_DEAD}, output = jsonb_build_object('error', 'worker_lost'),
        start_after = now(), priority = ${BEHIND_FIRST_TRIES}
      WHERE name = $1 AND state = 'active' AND started_on + expire_in < now() RETURNING id, state, data`,
      [this.queue.name, this.queue.giveUpAfterSeconds],
    );
    const lost = rows as { id: string; state: string; data: StoredJob<Data> }[];
    return lost.map(({ id, state, data }) => ({ id, givenUp: state === 'failed', ...data }));
  }

  private async update(set: string, jobs: readonly LeasedJob<Data>[]): Promise<void> {
    await this.executeSql(
      `UPDATE ${JOBS} job ${set} FROM unnest($2::uuid[], $3::int[]) AS held (id, claim)
      WHERE name = $1 AND job.id = held.id AND retry_count = held.claim AND state = 'active'`,
      [this.queue.name, jobs.map(({ id }) => id), jobs.map(({ claim }) => claim)],
    );
  }
}
