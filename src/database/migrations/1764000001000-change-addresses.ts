import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Changes of address that wait for the new address to confirm. */
export class ChangeAddresses1764000001000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE latchkey.email_changes (
        id uuid PRIMARY KEY,
        user_id text NOT NULL,
        email text NOT NULL,
        email_key text COLLATE "C" NOT NULL,
        created_at timestamptz NOT NULL,
        mailed_at timestamptz,
        confirmed_at timestamptz,
        cancelled_at timestamptz
      )`);
    await queryRunner.query(
      'CREATE INDEX email_changes_user_id_created_at ON latchkey.email_changes (user_id, created_at)',
    );
    await queryRunner.query(
      'CREATE INDEX email_changes_email_key_created_at ON latchkey.email_changes (email_key, created_at)',
    );
    await queryRunner.query('CREATE INDEX email_changes_created_at ON latchkey.email_changes (created_at)');
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TABLE latchkey.email_changes');
  }
}
