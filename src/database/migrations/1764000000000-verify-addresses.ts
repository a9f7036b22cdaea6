import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Accounts whose address is not proven yet, and the attempts to register them. */
export class VerifyAddresses1764000000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    // Nullable and without a default: no rewrite of a large table. Null means verified, which is what accounts are that
    // an earlier version of the program makes meanwhile.
    await queryRunner.query('ALTER TABLE latchkey.users ADD COLUMN unverified_since timestamptz');

    await queryRunner.query(`
      CREATE TABLE latchkey.registrations (
        id uuid PRIMARY KEY,
        email text NOT NULL,
        email_key text COLLATE "C" NOT NULL,
        username text NOT NULL,
        locale text,
        password_hash text,
        user_id text,
        created_at timestamptz NOT NULL,
        mailed_at timestamptz,
        used_at timestamptz
      )`);
    await queryRunner.query(
      'CREATE INDEX registrations_email_key_created_at ON latchkey.registrations (email_key, created_at)',
    );
    await queryRunner.query(
      'CREATE INDEX registrations_user_id ON latchkey.registrations (user_id) WHERE password_hash IS NOT NULL',
    );
    await queryRunner.query('CREATE INDEX registrations_created_at ON latchkey.registrations (created_at)');
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TABLE latchkey.registrations');
    await queryRunner.query('ALTER TABLE latchkey.users DROP COLUMN unverified_since');
  }
}
