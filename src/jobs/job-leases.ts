import type { QueueDefinition } from './job-queue';
import type { RunSql } from './run-sql';

/** A job that this process holds. */
export interface LeasedJob<Data> {
  id: string;
  data: Data;
  /** Of the request that caused it. */
  requestId: string;
  /** How often it has failed. */
  tries: number;
  /** Grows with every worker that takes the job: an earlier holder can no longer settle it (fencing). */
  claim: number;
}

/** A job whose worker has died. */
export interface LostJob<Data> extends Omit<LeasedJob<Data>, 'claim'> {
  givenUp: boolean;
}

/** A job that has waited longer than its queue allows is dead. $2: seconds until then. */
const IS_DEAD = 'added_at + make_interval(secs => $2) <= now()';
/** It waits for its next try, or is dead: then it was due last. */
const failsUntil = (due: string) => `state = CASE WHEN ${IS_DEAD} THEN 'dead' ELSE 'waiting' END,
  due_at = CASE WHEN ${IS_DEAD} THEN now() ELSE ${due} END, lease_until = NULL, tries = tries + 1`;
const COLUMNS = 'id, data, request_id AS "requestId", tries';

const due = (tries: string, limit: string) => `SELECT id FROM latchkey.jobs
  WHERE queue = $1 AND state = 'waiting' AND ${tries} AND due_at <= now()
  ORDER BY due_at LIMIT ${limit} FOR UPDATE SKIP LOCKED`;
const TAKE = `WITH first_tries AS (${due('tries = 0', '$3')}), retries AS (${due('tries > 0', '$4')}), taken AS (
    UPDATE latchkey.jobs SET state = 'active', claim = claim + 1, lease_until = now() + make_interval(secs => $2)
    WHERE id = ANY(ARRAY(SELECT id FROM first_tries UNION ALL SELECT id FROM retries))
    RETURNING ${COLUMNS}, claim, due_at
  ) SELECT id, data, "requestId", tries, claim FROM taken ORDER BY due_at`;

/** $1 and $2: ids and claims. Of a job that somebody else has taken since, the claim is another. */
const HELD = `(id, claim) IN (SELECT * FROM unnest($1::uuid[], $2::int[])) AND state = 'active'`;
/** Without those that are being settled at this moment: to wait for them could close a circle of locks. */
const unlocked = (condition: string) =>
  `id = ANY(ARRAY(SELECT id FROM latchkey.jobs WHERE ${condition} FOR UPDATE SKIP LOCKED))`;

/** Takes jobs of one queue for a time, and settles them. */
export class JobLeases<Data extends object> {
  constructor(
    private readonly queue: QueueDefinition<Data>,
    private readonly sql: RunSql,
  ) {}

  /** Takes jobs that are due: so many that were never tried, and so many that have failed before; the oldest of each. */
  take(firstTries: number, retries: number): Promise<LeasedJob<Data>[]> {
    return this.sql(TAKE, [this.queue.name, this.queue.leaseSeconds, firstTries, retries]);
  }

  /** Renews the leases of jobs. */
  async renew(jobs: readonly LeasedJob<Data>[]): Promise<void> {
    const text = `UPDATE latchkey.jobs SET lease_until = now() + make_interval(secs => $3)
      WHERE ${unlocked(HELD)}`;
    await this.sql(text, [...idsAndClaims(jobs), this.queue.leaseSeconds]);
  }

  /** Releases jobs, to be taken at once by another worker. */
  async release(jobs: readonly LeasedJob<Data>[]): Promise<void> {
    const text = `UPDATE latchkey.jobs SET state = 'waiting', lease_until = NULL
      WHERE ${unlocked(HELD)}`;
    await this.sql(text, idsAndClaims(jobs));
  }

  /** Jobs are done: they are deleted, and with them what they say about people. */
  async complete(jobs: readonly LeasedJob<Data>[]): Promise<void> {
    await this.sql(`DELETE FROM latchkey.jobs WHERE ${HELD}`, idsAndClaims(jobs));
  }

  /**
   * A job has failed and waits, or is dead if it has failed for too long.
   * @param error a code, since a message may quote what must not be stored
   * @returns whether it is dead
   */
  async retryLater({ id, claim }: LeasedJob<Data>, delaySeconds: number, error: string): Promise<boolean> {
    const [row] = await this.sql<{ state: string }>(
      `UPDATE latchkey.jobs SET ${failsUntil('now() + make_interval(secs => $4)')}, last_error = $5
      WHERE id = $1 AND claim = $3 AND state = 'active' RETURNING state`,
      [id, this.queue.giveUpAfterSeconds, claim, delaySeconds, error],
    );
    return row?.state === 'dead';
  }

  /** Frees the jobs of workers that have died. */
  reclaimExpired(): Promise<LostJob<Data>[]> {
    return this.sql(
      `UPDATE latchkey.jobs SET ${failsUntil('now()')}, last_error = 'worker_lost'
      WHERE ${unlocked("queue = $1 AND state = 'active' AND lease_until < now()")}
      RETURNING ${COLUMNS}, state = 'dead' AS "givenUp"`,
      [this.queue.name, this.queue.giveUpAfterSeconds],
    );
  }
}

function idsAndClaims(jobs: readonly LeasedJob<object>[]): [ids: string[], claims: number[]] {
  return [jobs.map(({ id }) => id), jobs.map(({ claim }) => claim)];
}
