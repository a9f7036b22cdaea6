/**
 * The process of the embedded database: PostgreSQL as WebAssembly (PGlite), served on a socket that only this user can reach.
 *
 * A process of its own, because a statement keeps its thread busy until it is done. It ends with its last user;
 * `embedded-database.ts` starts it.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdir, rename, rm } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { inspect } from 'node:util';
import type { PGlite } from '@electric-sql/pglite';
import type { PGLiteSocketServer } from '@electric-sql/pglite-socket';
import { claimFolder, proofOf } from './folder-lock';
import { addressFor, urlOf } from './socket-address';

/** What this process reports to the one that started it, once: where nothing failed, the folder has an owner now. */
export interface StartReport {
  failure?: string;
}

/** What the guard answers a user, as one line of JSON, once the database is up. */
export interface Greeting {
  token: string;
  url: string;
  /** Whether this start created the data; true for one user only. */
  firstStart: boolean;
}

const MAX_CONNECTIONS = 100;
const MAINTENANCE_INTERVAL_MS = 10 * 60_000;

// Ctrl-C in a terminal reaches this process as well, and the server still needs its database to finish its work.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);

/** Connections to the guard; each is a process that uses the database. */
const users = new Set<Socket>();
let running: { server: PGLiteSocketServer; greeting: Greeting } | undefined;

main(process.argv[2] as string, Number(process.argv[3])).catch(async (error: unknown) => {
  await report({ failure: error instanceof Error ? error.message : String(error) });
  process.exit();
});

async function main(directory: string, generation: number): Promise<void> {
  const token = randomUUID();
  const port = await openGuard(proofOf(token));
  const isOwner = await claimFolder(join(directory, 'postgres.lock'), generation, {
    pid: process.pid,
    port,
    token,
  });
  const started = isOwner && (await startDatabase(directory));
  await report({});
  if (!started) process.exit();
  const { server, firstStart } = started;
  const url = urlOf(server.getServerConn());
  running = { server, greeting: { token, url, firstStart } };
  setInterval(() => void maintain(url), MAINTENANCE_INTERVAL_MS).unref();
  users.forEach(greet);
  process.on('disconnect', stopIfUnused);
  stopIfUnused();
}

/** The guard ignores everyone who does not know the claim's token. */
async function openGuard(proof: string): Promise<number> {
  const guard = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined);
    socket.on('end', () => dismiss(socket));
    socket.on('close', () => dismiss(socket));
    socket.once('data', (first) => {
      if (first.toString() !== proof) return void socket.destroy();
      users.add(socket);
      greet(socket);
      socket.resume();
    });
  });
  guard.listen(0, '127.0.0.1');
  await once(guard, 'listening');
  return (guard.address() as AddressInfo).port;
}

/** A database that is closing greets nobody: a newcomer waits for its end and then starts another. */
function greet(user: Socket): void {
  if (!running) return;
  user.write(`${JSON.stringify(running.greeting)}\n`);
  running.greeting.firstStart = false;
  // Until the first user is there, the process that started this one counts as its user.
  if (process.connected) process.disconnect();
}

/** The last user's connection stays half open until the database is closed and this process gone: it can wait for that. */
function dismiss(user: Socket): void {
  if (!users.delete(user) || users.size > 0 || process.connected) user.end();
  else stopIfUnused();
}

function stopIfUnused(): void {
  if (!running || users.size > 0 || process.connected) return;
  const { server } = running;
  running = undefined;
  server
    .stop()
    .then(() => server.db.close())
    .then(() => process.exit(), die);
}

async function startDatabase(
  directory: string,
): Promise<{ server: PGLiteSocketServer; firstStart: boolean }> {
  const data = join(directory, 'postgres');
  const firstStart = !existsSync(data);
  if (firstStart) await createData(data);
  const { PGLiteSocketServer } = await import('@electric-sql/pglite-socket');
  const server = new PGLiteSocketServer({
    db: await openData(data),
    ...(await addressFor(directory)),
    maxConnections: MAX_CONNECTIONS,
  });
  await server.start();
  return { server, firstStart };
}

/** Creates the data beside its place and moves it there when it is complete: a first start may be killed half-way. */
async function createData(data: string): Promise<void> {
  const draft = `${data}.new`;
  await rm(draft, { recursive: true, force: true });
  await mkdir(draft, { mode: 0o700 });
  await (await openData(draft)).close();
  // PGlite writes files that everybody may read; the folder keeps other users of the machine out.
  await chmod(draft, 0o700);
  await rename(draft, data);
}

async function openData(data: string): Promise<PGlite> {
  const { SharedPGlite } = await import('./shared-pglite');
  const log: string[] = [];
  try {
    const database = new SharedPGlite(die, {
      dataDir: data,
      // The defaults of 16 MB and 128 MB cost seconds at the first start and half of the memory from then on.
      initDbStartParams: ['--wal-segsize=1'],
      startParams: [...SharedPGlite.defaultStartParams, '-c', 'shared_buffers=16MB'],
      onStderr: (line) => log.push(line) > 0,
    });
    await database.waitReady;
    return database;
  } catch (error) {
    const cause = log.filter((line) => /FATAL|PANIC|DETAIL/.test(line)).join(' ') || String(error);
    const problem = /incompatible/.test(cause)
      ? 'was written by another version of PostgreSQL'
      : 'cannot be opened';
    throw new Error(
      `The data in ${data} ${problem} (${cause}). ` +
        'Move the folder away to start with an empty database, or set DATABASE_URL to use a PostgreSQL server.',
    );
  }
}

/** PGlite runs neither the checkpointer nor autovacuum: without this, log and tables grow as long as the server runs. */
async function maintain(url: string): Promise<void> {
  const { Client } = await import('pg');
  // Over the socket like every client: only the socket server knows whose turn it is in the shared session.
  const client = new Client(url);
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('VACUUM (ANALYZE)');
    await client.query('CHECKPOINT');
    await client.end();
  } catch {
    // The database is closing. The next time will do.
  }
}

/** With a callback, an error such as a starter that has died is no exception. */
function report(message: StartReport): Promise<unknown> {
  return new Promise((sent) => process.send?.(message, undefined, undefined, sent));
}

function die(error: unknown): never {
  process.stderr.write(`The embedded database failed and stops: ${inspect(error)}\n`);
  process.exit(1);
}
