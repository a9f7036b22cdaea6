import { MigrationInterface, QueryRunner } from 'typeorm';

/** What is reported of a mail later comes in another request, and is found by the mail. */
export class FindEventsOfMails1764100000000 implements MigrationInterface {
  // An index that is built beside writes cannot be built inside of a transaction.
  transaction = false;

  async up(queryRunner: QueryRunner): Promise<void> {
    // One that was interrupted leaves an invalid index behind.
    await queryRunner.query('DROP INDEX CONCURRENTLY IF EXISTS latchkey.audit_events_mail_id');
    await queryRunner.query(
      `CREATE INDEX CONCURRENTLY audit_events_mail_id ON latchkey.audit_events ((details->>'mailId'))
       WHERE details->>'mailId' IS NOT NULL`,
    );
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP INDEX CONCURRENTLY latchkey.audit_events_mail_id');
  }
}
