import { MigrationInterface, QueryRunner } from 'typeorm';

/** Each reset request for an address without an account looks here, so it must not read all changes. */
export class FindFormerAddresses1764370001000 implements MigrationInterface {
  // An index that is built beside writes cannot be built inside of a transaction.
  transaction = false;

  async up(queryRunner: QueryRunner): Promise<void> {
    // One that was interrupted leaves an invalid index behind.
    await queryRunner.query('DROP INDEX CONCURRENTLY IF EXISTS latchkey.email_changes_from_digest');
    await queryRunner.query(
      `CREATE INDEX CONCURRENTLY email_changes_from_digest ON latchkey.email_changes (from_digest, confirmed_at)
       WHERE confirmed_at IS NOT NULL AND undone_at IS NULL`,
    );
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP INDEX CONCURRENTLY latchkey.email_changes_from_digest');
  }
}
