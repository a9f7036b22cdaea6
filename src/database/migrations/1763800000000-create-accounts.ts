import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Users, their sessions, and the reset links mailed to them. */
export class CreateAccounts1763800000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    // A schema to ourselves: many a host has tables named "users" and "sessions" already.
    await queryRunner.query('CREATE SCHEMA IF NOT EXISTS latchkey');
    await queryRunner.query(`
      CREATE TABLE latchkey.users (
        id uuid PRIMARY KEY,
        email text NOT NULL,
        email_key text COLLATE "C" NOT NULL,
        username text NOT NULL,
        locale text,
        password_hash text NOT NULL,
        credentials_version integer NOT NULL DEFAULT 1,
        disabled_at timestamptz,
        created_at timestamptz NOT NULL
      )`);
    // The key is compared byte by byte ("C"): other collations take different letters for the same.
    await queryRunner.query('CREATE UNIQUE INDEX users_email_key ON latchkey.users (email_key)');

    // Ids of users are text from here on: those of a host's own user table may be of any kind.
    await queryRunner.query(`
      CREATE TABLE latchkey.sessions (
        id uuid PRIMARY KEY,
        user_id text NOT NULL,
        credentials_version integer NOT NULL,
        created_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL
      )`);
    await queryRunner.query('CREATE INDEX sessions_user_id ON latchkey.sessions (user_id)');
    await queryRunner.query('CREATE INDEX sessions_expires_at ON latchkey.sessions (expires_at)');

    await queryRunner.query(`
      CREATE TABLE latchkey.password_resets (
        id uuid PRIMARY KEY,
        user_id text NOT NULL,
        created_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        mailed_at timestamptz,
        used_at timestamptz,
        revoked_at timestamptz
      )`);
    await queryRunner.query(
      'CREATE INDEX password_resets_user_id ON latchkey.password_resets (user_id, created_at)',
    );
    await queryRunner.query(
      'CREATE INDEX password_resets_expires_at ON latchkey.password_resets (expires_at)',
    );
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TABLE latchkey.password_resets');
    await queryRunner.query('DROP TABLE latchkey.sessions');
    await queryRunner.query('DROP TABLE latchkey.users');
  }
}
