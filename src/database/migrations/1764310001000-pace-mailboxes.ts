import { MigrationInterface, QueryRunner } from 'typeorm';

/** When a mailbox got its latest mails that anybody can cause by typing its address. */
export class PaceMailboxes1764310001000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE latchkey.mailbox_paces (
        mailbox text COLLATE "C" PRIMARY KEY,
        registrations timestamptz[] NOT NULL DEFAULT '{}',
        changes timestamptz[] NOT NULL DEFAULT '{}',
        locked_at timestamptz NOT NULL
      )`);
    await queryRunner.query('CREATE INDEX mailbox_paces_locked_at ON latchkey.mailbox_paces (locked_at)');
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TABLE latchkey.mailbox_paces');
  }
}
