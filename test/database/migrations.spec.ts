import type { MigrationInterface, QueryRunner } from 'typeorm';
import { latchkeyMigrations } from '../../src/database';

type Migration = new () => MigrationInterface;

/** What a migration tells the database to do. */
async function statementsOf(migration: MigrationInterface): Promise<string[]> {
  const statements: string[] = [];
  const query = (text: string) => Promise.resolve(void statements.push(text.replace(/\s+/g, ' ').trim()));
  await migration.up({ query } as unknown as QueryRunner);
  return statements;
}

/** Statements that hold a lock for as long as a table is large, or break a program of the version before. */
const FORBIDDEN: [RegExp, string][] = [
  [/\bALTER COLUMN \w+ (SET DATA )?TYPE\b/i, 'rewrites the table'],
  [/\bSET NOT NULL\b/i, 'reads the whole table under a lock'],
  [/\bADD COLUMN [^,]*\bNOT NULL\b/i, 'fails where rows are, and breaks inserts of the version before'],
  [/\bADD COLUMN [^,]*\bDEFAULT\b[^,]*\(/i, 'computes a default for each row, which rewrites the table'],
  [/\bADD CONSTRAINT\b(?!.*\bNOT VALID\b)/i, 'checks the whole table under a lock'],
  [/\bRENAME\b/i, 'breaks the version before'],
  [/\bDROP (COLUMN|TABLE|SCHEMA)\b/i, 'breaks the version before'],
  [/^(UPDATE|DELETE|TRUNCATE)\b/i, 'is work for batches, not for a migration'],
];

/** @returns why a migration must not run on a table in use; empty where it may */
async function dangersOf(migration: MigrationInterface): Promise<string[]> {
  const statements = await statementsOf(migration);
  const created = statements.map((text) => /^CREATE TABLE (?:IF NOT EXISTS )?(\S+)/i.exec(text)?.[1] ?? '');
  return statements.flatMap((text) => {
    const table = /^(?:CREATE|ALTER) .*?\b(?:TABLE|ON) (\S+)/i.exec(text)?.[1];
    if (table && created.includes(table)) return [];
    const dangers = FORBIDDEN.filter(([pattern]) => pattern.test(text)).map(([, why]) => why);
    const index = /^CREATE (UNIQUE )?INDEX (CONCURRENTLY )?/i.exec(text);
    if (index && !index[2]) dangers.push('blocks writes while the index is built');
    if (index?.[2] && migration.transaction !== false) dangers.push('cannot run in a transaction');
    return dangers.map((why) => `${text}: ${why}`);
  });
}

const migrationOf = (...statements: string[]): MigrationInterface => ({
  up: async (runner) => {
    for (const text of statements) await runner.query(text);
  },
  down: () => Promise.resolve(),
});

describe('migrations', () => {
  it.each((latchkeyMigrations as Migration[]).map((migration) => [migration.name, migration] as const))(
    '%s is safe on a live table, beside a program of the version before',
    async (_, Migration) => {
      expect(await dangersOf(new Migration())).toEqual([]);
    },
  );

  it.each([
    'CREATE INDEX i ON latchkey.users (email)',
    'CREATE UNIQUE INDEX i ON latchkey.users (email)',
    'CREATE INDEX CONCURRENTLY i ON latchkey.users (email)',
    'ALTER TABLE latchkey.users ALTER COLUMN email TYPE varchar(10)',
    'ALTER TABLE latchkey.users ALTER COLUMN email SET DATA TYPE varchar(10)',
    'ALTER TABLE latchkey.users ALTER COLUMN locale SET NOT NULL',
    'ALTER TABLE latchkey.users ADD COLUMN age integer NOT NULL',
    'ALTER TABLE latchkey.users ADD COLUMN token uuid DEFAULT gen_random_uuid()',
    'ALTER TABLE latchkey.users ADD CONSTRAINT c CHECK (age > 0)',
    'ALTER TABLE latchkey.users RENAME COLUMN email TO mail',
    'ALTER TABLE latchkey.users RENAME TO people',
    'ALTER TABLE latchkey.users DROP COLUMN locale',
    'DROP TABLE latchkey.users',
    `UPDATE latchkey.users SET locale = 'en'`,
    'DELETE FROM latchkey.sessions',
  ])('would not be let through with: %s', async (statement) => {
    expect(await dangersOf(migrationOf(statement))).not.toEqual([]);
  });

  it('may do anything to a table that they make themselves', async () => {
    const statements = [
      'CREATE TABLE latchkey.things (id uuid)',
      'CREATE INDEX i ON latchkey.things (id)',
      'ALTER TABLE latchkey.things ADD COLUMN age integer NOT NULL',
    ];
    expect(await dangersOf(migrationOf(...statements))).toEqual([]);
  });
});
