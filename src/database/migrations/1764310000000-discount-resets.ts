import { MigrationInterface, QueryRunner } from 'typeorm';

/** Since when a reset no longer counts for the pace of reset mails. A nullable column without a default locks for a moment only. */
export class DiscountResets1764310000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('ALTER TABLE latchkey.password_resets ADD COLUMN discounted_at timestamptz');
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('ALTER TABLE latchkey.password_resets DROP COLUMN discounted_at');
  }
}
