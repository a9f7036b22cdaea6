import { TypeOrmTransactions } from '../database';
import type { StoredJob } from './job-leases';

/** `waiting` for its turn or its next try, `active` in a worker, `dead` after its last try, `done` or dropped. */
export const JOB_STATES = ['waiting', 'active', 'dead', 'done'] as const;
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
  /** Nothing of it is kept of a job that is done. */
  data: Record<string, unknown>;
}

const STATES: Record<JobState, string[]> = {
  waiting: ['created', 'retry'],
  active: ['active'],
  dead: ['failed'],
  done: ['completed', 'cancelled'],
};

const COLUMNS = `id, name AS queue, state::text AS boss_state, data AS stored, created_on AS "addedAt", start_after AS "dueAt",
  output->>'error' AS "lastError", retry_count + CASE WHEN started_on IS NULL THEN 0 ELSE 1 END AS tries`;
const OPEN = `state IN ('created', 'retry', 'failed')`;

type Row = Omit<QueuedJob, 'state' | 'requestId' | 'data'> & {
  boss_state: string;
  stored: Partial<StoredJob<Record<string, unknown>>>;
};

/** What is in the queue, and what an operator can do about it. */
export class QueuedJobs {
  /** @param queues names of the queues to look into */
  constructor(
    private readonly transactions: TypeOrmTransactions,
    private readonly queues: readonly string[],
  ) {}

  /** @returns jobs in any of some states, the oldest first */
  async list(states: readonly JobState[], limit: number): Promise<QueuedJob[]> {
    const rows = await this.query<Row>(
      `SELECT ${COLUMNS} FROM latchkey_jobs.job WHERE name = ANY($1) AND state::text = ANY($2) ORDER BY created_on, id LIMIT $3`,
      [states.flatMap((state) => STATES[state]), limit],
    );
    return rows.map(toQueuedJob);
  }

  async find(id: string): Promise<QueuedJob | undefined> {
    const [row] = await this.query<Row>(
      `SELECT ${COLUMNS} FROM latchkey_jobs.job WHERE name = ANY($1) AND id = $2`,
      [id],
    );
    return row && toQueuedJob(row);
  }

  /** Has a waiting or dead job tried at once; a dead one gets its whole time again. @returns whether there is one */
  async retry(id: string): Promise<boolean> {
    const retried = await this.query(
      `UPDATE latchkey_jobs.job SET start_after = now(), completed_on = NULL,
        created_on = CASE WHEN state = 'failed' THEN now() ELSE created_on END,
        state = CASE WHEN state = 'created' THEN state ELSE 'retry' END
      WHERE name = ANY($1) AND id = $2 AND ${OPEN} RETURNING id`,
      [id],
    );
    return retried.length > 0;
  }

  /** Has a waiting or dead job never tried again, and forgets its data. @returns whether there is one */
  async drop(id: string): Promise<boolean> {
    const dropped = await this.query(
      `UPDATE latchkey_jobs.job SET state = 'cancelled', completed_on = now(),
        data = jsonb_build_object('requestId', data->'requestId')
      WHERE name = ANY($1) AND id = $2 AND ${OPEN} RETURNING id`,
      [id],
    );
    return dropped.length > 0;
  }

  private async query<T>(text: string, values: unknown[]): Promise<T[]> {
    const result: unknown = await this.transactions.manager.query(text, [this.queues, ...values]);
    // Of an UPDATE, TypeORM gives the rows and their number.
    return (text.startsWith('UPDATE') ? (result as [T[], number])[0] : result) as T[];
  }
}

function toQueuedJob({ boss_state, stored: { requestId = '', data = {} }, ...row }: Row): QueuedJob {
  const state = JOB_STATES.find((name) => STATES[name].includes(boss_state))!;
  return { ...row, state, requestId, data };
}
