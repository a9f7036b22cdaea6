import { Logger } from '@nestjs/common';
import { describeError } from '../common';
import type { RunSql } from './run-sql';

const ADOPT_EVERY_MS = 10_000;
const JOBS_PER_STATEMENT = 1_000;

const EXISTS = `SELECT 1 WHERE to_regclass('latchkey_jobs.job') IS NOT NULL`;

/** Those under way stay with their worker until their lease is over. */
const ADOPT = `WITH previous AS (
    DELETE FROM latchkey_jobs.job WHERE (name, id) IN (
      SELECT name, id FROM latchkey_jobs.job WHERE name = ANY($1)
      AND (state IN ('created', 'retry', 'failed') OR state = 'active' AND started_on + expire_in < now())
      LIMIT ${JOBS_PER_STATEMENT} FOR UPDATE SKIP LOCKED
    ) RETURNING *
  ) INSERT INTO latchkey.jobs (id, queue, state, data, request_id, added_at, due_at, tries, last_error)
  SELECT id, name, CASE state WHEN 'failed' THEN 'dead' ELSE 'waiting' END, coalesce(data->'data', '{}'),
    coalesce(data->>'requestId', ''), created_on, CASE state WHEN 'failed' THEN completed_on ELSE start_after END,
    retry_count + CASE WHEN started_on IS NULL THEN 0 ELSE 1 END, output->>'error'
  FROM previous ON CONFLICT (id) DO NOTHING RETURNING id`;

/**
 * Moves the jobs of version 0.1, which pg-boss kept in its own schema, to our table: those that waited at the upgrade, and
 * those that a process of that version still adds while this one runs. Each is moved by one statement, so none is lost or
 * doubled.
 */
export class PreviousJobs {
  private readonly logger = new Logger('Jobs');
  private timer?: NodeJS.Timeout;
  private underWay: Promise<void> = Promise.resolve();

  /** @param queues those that this process handles, by name */
  constructor(
    private readonly sql: RunSql,
    private readonly queues: ReadonlyMap<string, unknown>,
  ) {}

  /** Moves what is there, and goes on for as long as the schema exists. */
  async start(): Promise<void> {
    const adopt = () => (this.underWay = this.adopt());
    this.timer = setInterval(() => void adopt(), ADOPT_EVERY_MS).unref();
    await adopt();
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.underWay;
  }

  private async adopt(): Promise<void> {
    try {
      if (this.queues.size === 0 || (await this.sql(EXISTS, [])).length === 0)
        return clearInterval(this.timer);
      for (let moved = JOBS_PER_STATEMENT; moved === JOBS_PER_STATEMENT;)
        moved = (await this.sql(ADOPT, [[...this.queues.keys()]])).length;
    } catch (error) {
      this.logger.warn(`cannot move the jobs of the previous version: ${describeError(error)}`);
    }
  }
}
