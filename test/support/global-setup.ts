import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { openDataSource, openEmbeddedDatabase } from '../../src/database';
import { installJobQueues } from '../../src/jobs';
import { migrate } from '../../src/schema';
import { contractQueue } from '../../src/testing';

interface TestDatabase {
  url: string;
  close(): Promise<void>;
}

declare global {
  /** What the teardown has to undo; jest gives both functions the same global object. */
  var testDatabases: TestDatabase[];
}

/** One database for each worker: a new one on the server of `DATABASE_URL`, or an embedded one. */
export default async function globalSetup({ maxWorkers }: { maxWorkers: number }): Promise<void> {
  const server = process.env['DATABASE_URL'];
  globalThis.testDatabases = [];
  for (let worker = 1; worker <= maxWorkers; worker++) {
    const database = server ? await createDatabase(server, worker) : await openTemporaryDatabase();
    globalThis.testDatabases.push(database);
    process.env[`TEST_DATABASE_URL_${worker}`] = database.url;
    await fill(database.url);
  }
}

async function fill(url: string): Promise<void> {
  await migrate(url);
  const dataSource = await openDataSource({ url, poolSize: 1 });
  await installJobQueues(dataSource.manager, [contractQueue]);
  await dataSource.destroy();
}

async function createDatabase(server: string, worker: number): Promise<TestDatabase> {
  const name = `latchkey_test_${process.pid}_${worker}`;
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

async function openTemporaryDatabase(): Promise<TestDatabase> {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-test-'));
  const { url, ...database } = await openEmbeddedDatabase(folder);
  const close = async () => {
    await database.close();
    rmSync(folder, { recursive: true, force: true });
  };
  return { url, close };
}
