import { MigrationInterface, QueryRunner } from 'typeorm';

/** Those few are looked for every hour among all accounts. */
export class FindUnverifiedAccounts1764200000000 implements MigrationInterface {
  // An index that is built beside writes cannot be built inside of a transaction.
  transaction = false;

  async up(queryRunner: QueryRunner): Promise<void> {
    // One that was interrupted leaves an invalid index behind.
    await queryRunner.query('DROP INDEX CONCURRENTLY IF EXISTS latchkey.users_unverified_since');
    await queryRunner.query(
      `CREATE INDEX CONCURRENTLY users_unverified_since ON latchkey.users (unverified_since)
       WHERE unverified_since IS NOT NULL`,
    );
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP INDEX CONCURRENTLY latchkey.users_unverified_since');
  }
}
