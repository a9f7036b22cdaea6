import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrate } from '../../src/migrate';
import { openEmbeddedDatabase } from '../../src/server/embedded-database';
import { startPostgresServer } from './postgres-server';
import { run, withDatabase } from './sql';

interface Closeable {
  close(): Promise<unknown>;
}

declare global {
  /** What the teardown has to undo, last first; jest gives both functions the same global object. */
  var testDatabases: Closeable[];
}

/**
 * One database for each worker: on the server of `DATABASE_URL`, else on one of the PostgreSQL that is installed here, else
 * an embedded one. `TEST_DATABASE=embedded` wants the embedded one wherever it runs.
 */
export default async function globalSetup({ maxWorkers }: { maxWorkers: number }): Promise<void> {
  globalThis.testDatabases = [];
  const workers = Array.from({ length: maxWorkers }, (_, index) => index + 1);
  const server = await serverUrl();
  const urls = server
    ? await createDatabases(server, workers)
    : await Promise.all(workers.map(openTemporary));
  for (const worker of workers) process.env[`TEST_DATABASE_URL_${worker}`] = urls[worker - 1];
}

async function serverUrl(): Promise<string | undefined> {
  if (process.env['TEST_DATABASE'] === 'embedded') delete process.env['DATABASE_URL'];
  else if (!process.env['DATABASE_URL']) {
    const server = await startPostgresServer();
    if (!server) return undefined;
    globalThis.testDatabases.push(server);
    // Specs make databases of their own on it.
    process.env['DATABASE_URL'] = server.url;
  }
  return process.env['DATABASE_URL'];
}

/** The first is filled, the others are copies of it. */
async function createDatabases(server: string, workers: number[]): Promise<string[]> {
  const administer = (sql: string) => run(server, sql);
  const urls: string[] = [];
  for (const worker of workers) {
    const name = `latchkey_test_${process.pid}_${worker}`;
    await administer(
      `CREATE DATABASE ${name} ${worker > 1 ? `TEMPLATE latchkey_test_${process.pid}_1` : ''}`,
    );
    globalThis.testDatabases.push({ close: () => administer(`DROP DATABASE ${name} WITH (FORCE)`) });
    const url = withDatabase(server, name);
    urls.push(url);
    if (worker === 1) await migrate(url);
  }
  return urls;
}

async function openTemporary(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-test-'));
  const database = await openEmbeddedDatabase(folder);
  const close = async () => {
    await database.close();
    rmSync(folder, { recursive: true, force: true });
  };
  globalThis.testDatabases.push({ close });
  await migrate(database.url);
  return database.url;
}
