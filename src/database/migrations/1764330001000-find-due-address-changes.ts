import { MigrationInterface, QueryRunner } from 'typeorm';

/** Those few are looked for every minute among all changes of address. */
export class FindDueAddressChanges1764330001000 implements MigrationInterface {
  // An index that is built beside writes cannot be built inside of a transaction.
  transaction = false;

  async up(queryRunner: QueryRunner): Promise<void> {
    // One that was interrupted leaves an invalid index behind.
    await queryRunner.query('DROP INDEX CONCURRENTLY IF EXISTS latchkey.email_changes_effective_at');
    await queryRunner.query(
      `CREATE INDEX CONCURRENTLY email_changes_effective_at ON latchkey.email_changes (effective_at)
       WHERE effective_at IS NOT NULL AND confirmed_at IS NULL AND cancelled_at IS NULL`,
    );
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP INDEX CONCURRENTLY latchkey.email_changes_effective_at');
  }
}
