/**
 * The process of the embedded database: PostgreSQL as WebAssembly (PGlite), served on 127.0.0.1.
 *
 * A process of its own, because a statement keeps its thread busy until it is done. It ends when the last process that
 * opened the database has closed it or died; see `embedded-database.ts`, which starts it.
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
import { claimFolder } from './embedded-database.lock';

/** What this process reports to the one that started it, once. */
export type StartReport = { started: true } | { taken: true } | { failed: string };

/** What the guard says to whoever connects, as one line of JSON, once the database is up. */
export interface Greeting {
  token: string;
  port: number;
  /** Whether this process created the data and has told nobody yet. */
  firstStart: boolean;
}

const MAX_CONNECTIONS = 100;
const HOUSEKEEPING_INTERVAL_MS = 10 * 60_000;

// Ctrl-C in a terminal reaches this process as well, and the server still needs its database to finish its work.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);

const users = new Set<Socket>();
let greeting: Greeting | undefined;
let stop: (() => Promise<void>) | undefined;

void main(process.argv[2] as string, Number(process.argv[3]));

async function main(directory: string, generation: number): Promise<void> {
  const token = randomUUID();
  try {
    const port = await openGuard();
    const lockFolder = join(directory, 'postgres.lock');
    if (!(await claimFolder(lockFolder, generation, { pid: process.pid, port, token })))
      return leave({ taken: true });
    const { server, firstStart } = await startDatabase(directory);
    stop = async () => {
      await server.stop();
      await server.db.close();
    };
    greeting = { token, port: portOf(server), firstStart };
    users.forEach(greet);
    keepHouse(greeting.port);
    report({ started: true });
    process.on('disconnect', stopIfUnused);
    stopIfUnused();
  } catch (error) {
    leave({ failed: error instanceof Error ? error.message : String(error) });
  }
}

/** The guard: being connected to it means using the database. */
async function openGuard(): Promise<number> {
  const guard = createServer({ allowHalfOpen: true }, (socket) => {
    users.add(socket);
    greet(socket);
    socket.on('error', () => undefined);
    socket.on('end', () => goodbye(socket));
    socket.on('close', () => goodbye(socket));
    socket.resume();
  });
  guard.listen(0, '127.0.0.1');
  await once(guard, 'listening');
  return (guard.address() as AddressInfo).port;
}

/** Once the database is closing it greets nobody any more: a newcomer waits for the end, then starts his own. */
function greet(user: Socket): void {
  if (!greeting) return;
  user.write(`${JSON.stringify(greeting)}\n`);
  greeting.firstStart = false;
}

/** The last user's connection stays half open until the database is closed and this process gone: he can wait for it. */
function goodbye(user: Socket): void {
  if (!users.delete(user)) return;
  if (users.size > 0 || process.connected) user.end();
  else stopIfUnused();
}

function stopIfUnused(): void {
  if (!stop || users.size > 0 || process.connected) return;
  const stopping = stop;
  stop = greeting = undefined;
  stopping().then(() => process.exit(0), die);
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
    host: '127.0.0.1',
    port: 0,
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
  // PGlite writes files everybody may read; the folder is what keeps other users of the machine out.
  await chmod(draft, 0o700);
  await rename(draft, data);
}

async function openData(data: string): Promise<PGlite> {
  const { SharedPGlite } = await import('./embedded-database.session');
  const complaints: string[] = [];
  try {
    const database = new SharedPGlite(die, {
      dataDir: data,
      // Its defaults of 16 MB and 128 MB cost seconds at the first start and half the memory ever after.
      initDbStartParams: ['--wal-segsize=1'],
      startParams: [...SharedPGlite.defaultStartParams, '-c', 'shared_buffers=16MB'],
      onStderr: (line) => complaints.push(line) > 0,
    });
    await database.waitReady;
    return database;
  } catch (error) {
    throw new Error(explain(data, complaints, error));
  }
}

function explain(data: string, complaints: string[], error: unknown): string {
  const cause = complaints.filter((line) => /FATAL|PANIC|DETAIL/.test(line)).join(' ') || String(error);
  const cure = `Move the folder away to start with an empty database, or set DATABASE_URL to use a PostgreSQL server.`;
  return /incompatible/.test(cause)
    ? `The data in ${data} was written by another version of PostgreSQL (${cause}). ${cure}`
    : `The data in ${data} cannot be opened (${cause}). ${cure}`;
}

/** PGlite runs neither the checkpointer nor autovacuum: without this, log and tables grow as long as the server runs. */
function keepHouse(port: number): void {
  setInterval(() => void tidyUp(port), HOUSEKEEPING_INTERVAL_MS).unref();
}

async function tidyUp(port: number): Promise<void> {
  const { Client } = await import('pg');
  // Through the front door: the session is shared, and only the socket server knows whose turn it is.
  const client = new Client({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres' });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('VACUUM (ANALYZE)');
    await client.query('CHECKPOINT');
    await client.end();
  } catch {
    // The database is closing. What was left undone is done the next time.
  }
}

function portOf(server: PGLiteSocketServer): number {
  return Number(server.getServerConn().split(':').pop());
}

/** The starter may be dead without this process knowing yet; with a callback, sending to it harms nobody. */
function report(message: StartReport, sent: () => void = () => undefined): void {
  if (process.connected) process.send?.(message, undefined, undefined, sent);
  else sent();
}

function leave(message: StartReport): void {
  report(message, () => process.exit());
}

function die(error: unknown): never {
  process.stderr.write(`The embedded database failed and stops: ${inspect(error)}\n`);
  process.exit(1);
}
