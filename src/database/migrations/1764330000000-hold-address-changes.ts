import type { MigrationInterface, QueryRunner } from 'typeorm';

/** When a change of address takes effect, where its links were mailed, and which passwords were set by a reset of late. */
export class HoldAddressChanges1764330000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      ALTER TABLE latchkey.email_changes
        ADD COLUMN from_digest text,
        ADD COLUMN effective_at timestamptz,
        ADD COLUMN stopped_at timestamptz`);
    await queryRunner.query('ALTER TABLE latchkey.password_resets ADD COLUMN email_digest text');
    await queryRunner.query(`
      CREATE TABLE latchkey.recoveries (
        user_id text PRIMARY KEY,
        at timestamptz NOT NULL
      )`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TABLE latchkey.recoveries');
    await queryRunner.query('ALTER TABLE latchkey.password_resets DROP COLUMN email_digest');
    await queryRunner.query(
      'ALTER TABLE latchkey.email_changes DROP COLUMN from_digest, DROP COLUMN effective_at, DROP COLUMN stopped_at',
    );
  }
}
