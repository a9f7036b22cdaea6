import { randomBytes } from 'node:crypto';
import { openEmbeddedDatabase } from '../../src/server/embedded-database';
import { temporaryFolder } from './program';
import { run, withDatabase } from './sql';

/** The PostgreSQL server to test on; without it the embedded one is tested on. */
const server = process.env['DATABASE_URL'];

/** For what the embedded PostgreSQL has not: roles that may not everything, settings of a database, encodings. */
export const describeOnServer = server ? describe : describe.skip;

export interface SpareDatabase {
  url: string;
  name: string;
  close(): Promise<unknown>;
}

/** A database without any table, for one test. @param options of CREATE DATABASE, on a server only */
export async function emptyDatabase(options = ''): Promise<SpareDatabase> {
  if (!server) return { name: 'postgres', ...(await openEmbeddedDatabase(temporaryFolder())) };
  const name = `latchkey_test_${randomBytes(6).toString('hex')}`;
  await run(server, `CREATE DATABASE ${name} ${options}`);
  return {
    url: withDatabase(server, name),
    name,
    close: () => run(server, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
  };
}

/** A role that may sign in and no more. @returns the database's address for it */
export async function createRole(database: SpareDatabase, name: string): Promise<string> {
  await run(database.url, `CREATE ROLE ${name} LOGIN PASSWORD 'test'`);
  const url = new URL(database.url);
  url.username = name;
  url.password = 'test';
  return url.href;
}

export async function dropRole(database: SpareDatabase, name: string): Promise<void> {
  await run(database.url, `DROP OWNED BY ${name} CASCADE; DROP ROLE ${name}`);
}
