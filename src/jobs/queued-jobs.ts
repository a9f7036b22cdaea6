import type { TypeOrmTransactions } from '../database';
import { type RunSql, sqlOf } from './run-sql';

/** `waiting` for its turn or its next try, `active` in a worker, `dead` after its last try. One that is done is deleted. */
export const JOB_STATES = ['waiting', 'active', 'dead'] as const;
export type JobState = (typeof JOB_STATES)[number];

/** A job as an operator sees it. */
export interface QueuedJob {
  id: string;
  queue: string;
  state: JobState;
  requestId: string;
  addedAt: Date;
  /** When it is due, or was due last. */
  dueAt: Date;
  tries: number;
  /** Code of the last failure, such as the reply of a mail server. */
  lastError: string | null;
  data: Record<string, unknown>;
}

const COLUMNS = `id, queue, state, request_id AS "requestId", added_at AS "addedAt", due_at AS "dueAt",
  tries + CASE WHEN state = 'active' THEN 1 ELSE 0 END AS tries, last_error AS "lastError", data`;

/** What is in the queue, and what an operator can do about it. */
export class QueuedJobs {
  private readonly sql: RunSql;

  constructor(transactions: TypeOrmTransactions) {
    this.sql = sqlOf(transactions);
  }

  /** @returns jobs in any of some states, the oldest first */
  list(states: readonly JobState[], limit: number): Promise<QueuedJob[]> {
    const text = `SELECT ${COLUMNS} FROM latchkey.jobs WHERE state = ANY($1) ORDER BY added_at, id LIMIT $2`;
    return this.sql(text, [states, limit]);
  }

  async find(id: string): Promise<QueuedJob | undefined> {
    const [job] = await this.sql<QueuedJob>(`SELECT ${COLUMNS} FROM latchkey.jobs WHERE id = $1`, [id]);
    return job;
  }

  /** Has a waiting or dead job tried at once; a dead one gets its whole time again. @returns whether there is one */
  async retry(id: string): Promise<boolean> {
    const retried = await this.sql(
      `UPDATE latchkey.jobs SET state = 'waiting', due_at = now(),
        added_at = CASE WHEN state = 'dead' THEN now() ELSE added_at END
      WHERE id = $1 AND state <> 'active' RETURNING id`,
      [id],
    );
    return retried.length > 0;
  }

  /** Deletes a waiting or dead job. @returns whether there was one */
  async drop(id: string): Promise<boolean> {
    const text = `DELETE FROM latchkey.jobs WHERE id = $1 AND state <> 'active' RETURNING id`;
    return (await this.sql(text, [id])).length > 0;
  }
}
