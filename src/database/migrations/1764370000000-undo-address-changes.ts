import type { MigrationInterface, QueryRunner } from 'typeorm';

/** For a day, the former address of an account can take it back: what it was, when that happened, and by which reset. */
export class UndoAddressChanges1764370000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      ALTER TABLE latchkey.email_changes
        ADD COLUMN previous_email text,
        ADD COLUMN undone_at timestamptz`);
    await queryRunner.query('ALTER TABLE latchkey.password_resets ADD COLUMN undone_change_id uuid');
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('ALTER TABLE latchkey.password_resets DROP COLUMN undone_change_id');
    await queryRunner.query(
      'ALTER TABLE latchkey.email_changes DROP COLUMN previous_email, DROP COLUMN undone_at',
    );
  }
}
