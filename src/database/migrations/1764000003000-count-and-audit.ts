import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Counters of limits, and the audit trail. */
export class CountAndAudit1764000003000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    // The form that rate-limiter-flexible expects.
    await queryRunner.query(`
      CREATE TABLE latchkey.limit_counters (
        key varchar(255) COLLATE "C" PRIMARY KEY,
        points integer NOT NULL DEFAULT 0,
        expire bigint
      )`);
    await queryRunner.query('CREATE INDEX limit_counters_expire ON latchkey.limit_counters (expire)');

    await queryRunner.query(`
      CREATE TABLE latchkey.audit_events (
        id uuid PRIMARY KEY,
        at timestamptz NOT NULL,
        act text NOT NULL,
        outcome text NOT NULL,
        request_id text NOT NULL,
        user_id text,
        source text,
        details jsonb NOT NULL
      )`);
    await queryRunner.query('CREATE INDEX audit_events_at ON latchkey.audit_events (at)');
    await queryRunner.query('CREATE INDEX audit_events_user_id_at ON latchkey.audit_events (user_id, at)');
    await queryRunner.query('CREATE INDEX audit_events_request_id ON latchkey.audit_events (request_id)');
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TABLE latchkey.audit_events');
    await queryRunner.query('DROP TABLE latchkey.limit_counters');
  }
}
