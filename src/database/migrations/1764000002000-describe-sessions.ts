import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What people need to recognize their sessions, when each was last used; and what becomes of "this was not me". */
export class DescribeSessions1764000002000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    // Nullable: an earlier version of the program that still runs makes sessions without them.
    await queryRunner.query(`
      ALTER TABLE latchkey.sessions
        ADD COLUMN last_seen_at timestamptz,
        ADD COLUMN ip text,
        ADD COLUMN user_agent text`);

    await queryRunner.query('ALTER TABLE latchkey.password_resets ADD COLUMN disavowed_at timestamptz');
    await queryRunner.query(`
      CREATE TABLE latchkey.quiet_periods (
        user_id text PRIMARY KEY,
        ends_at timestamptz NOT NULL
      )`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TABLE latchkey.quiet_periods');
    await queryRunner.query('ALTER TABLE latchkey.password_resets DROP COLUMN disavowed_at');
    await queryRunner.query(
      'ALTER TABLE latchkey.sessions DROP COLUMN last_seen_at, DROP COLUMN ip, DROP COLUMN user_agent',
    );
  }
}
