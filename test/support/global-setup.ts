import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { openDataSource, openEmbeddedDatabase } from '../../src/database';
import { installJobQueues } from '../../src/jobs';
import { migrate } from '../../src/schema';
import { contractQueue } from '../../src/testing';

/** What the teardown has to undo; jest gives both functions the same global object. */
export interface TestDatabase {
  close(): Promise<void>;
}

declare global {
  var testDatabase: TestDatabase | undefined;
}

/**
 * One database for all specs, one after the other: a new one on the server of `DATABASE_URL`, or an embedded one.
 */
export default async function globalSetup(): Promise<void> {
  const server = process.env['DATABASE_URL'];
  const database = server ? await createDatabase(server) : await openTemporaryDatabase();
  const { url } = database;
  globalThis.testDatabase = database;
  process.env['TEST_DATABASE_URL'] = url;
  await migrate(url);
  const dataSource = await openDataSource({ url, poolSize: 1 });
  await installJobQueues(dataSource.manager, [contractQueue]);
  await dataSource.destroy();
}

async function createDatabase(server: string): Promise<TestDatabase & { url: string }> {
  const name = `latchkey_test_${process.pid}`;
  const administer = async (sql: string) => {
    const client = new Client(server);
    await client.connect();
    await client.query(sql);
    await client.end();
  };
  await administer(`CREATE DATABASE ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return { url: url.href, close: () => administer(`DROP DATABASE ${name} WITH (FORCE)`) };
}

async function openTemporaryDatabase(): Promise<TestDatabase & { url: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-test-'));
  const { url, ...database } = await openEmbeddedDatabase(folder);
  const close = async () => {
    await database.close();
    rmSync(folder, { recursive: true, force: true });
  };
  return { url, close };
}
