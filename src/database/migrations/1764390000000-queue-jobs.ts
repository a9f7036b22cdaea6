import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The queue. A job is inserted as `waiting`, updated to `active` when a worker takes it, and deleted when it is done. One that
 * fails is `waiting` again, or `dead` after its last try.
 */
export class QueueJobs1764390000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    // Rows come and go all the time, while few are there at once. So:
    // - Vacuum after a number of dead rows, however many wait, and without pauses: until then, each fetch passes over the
    //   entries of jobs taken before. Statistics as well: what the planner knows must not be of an hour ago.
    // - Space that vacuum frees is reused by the next jobs. Giving it back to the disk takes a lock that all wait for, and
    //   a table that looks small is read as a whole.
    // - A fifth of each page stays free: no index covers lease_until, so renewing a lease updates the row in its page, and
    //   no index (HOT).
    await queryRunner.query(`
      CREATE TABLE latchkey.jobs (
        id uuid PRIMARY KEY,
        queue text COLLATE "C" NOT NULL,
        state text COLLATE "C" NOT NULL DEFAULT 'waiting',
        data jsonb NOT NULL,
        request_id text NOT NULL,
        added_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        due_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        claim integer NOT NULL DEFAULT 0,
        lease_until timestamptz,
        tries integer NOT NULL DEFAULT 0,
        last_error text
      ) WITH (
        fillfactor = 80,
        autovacuum_vacuum_threshold = 2000,
        autovacuum_vacuum_scale_factor = 0,
        autovacuum_vacuum_cost_delay = 0,
        autovacuum_analyze_threshold = 2000,
        autovacuum_analyze_scale_factor = 0,
        vacuum_truncate = false
      )`);
    // In the order in which jobs are taken, so that taking some reads no more than those, whatever waits behind them. A job
    // that is taken leaves its index. Those that have failed have an index of their own: they never delay first tries.
    await queryRunner.query(`
      CREATE INDEX jobs_first_tries ON latchkey.jobs (queue, due_at) WHERE state = 'waiting' AND tries = 0`);
    await queryRunner.query(`
      CREATE INDEX jobs_retries ON latchkey.jobs (queue, due_at) WHERE state = 'waiting' AND tries > 0`);
    // Few at any time, so that those whose lease is over are found without an index on its end.
    await queryRunner.query(`CREATE INDEX jobs_active ON latchkey.jobs (queue) WHERE state = 'active'`);
    await queryRunner.query(`CREATE INDEX jobs_dead ON latchkey.jobs (due_at) WHERE state = 'dead'`);

    // Unique keys outlive their jobs. Here, they cost a few bytes each, and jobs can be deleted when they are done.
    await queryRunner.query(`
      CREATE TABLE latchkey.job_keys (
        key text COLLATE "C" PRIMARY KEY,
        expires_at timestamptz NOT NULL
      )`);
    await queryRunner.query('CREATE INDEX job_keys_expires_at ON latchkey.job_keys (expires_at)');
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TABLE latchkey.job_keys');
    await queryRunner.query('DROP TABLE latchkey.jobs');
  }
}
