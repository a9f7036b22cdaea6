import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { access, constants, mkdir } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import type { Greeting, StartReport } from './database-process';
import { type Claim, latestClaim, proofOf } from './folder-lock';

/** A PostgreSQL that needs no installation, for development and tests. */
export interface EmbeddedDatabase {
  /** `postgres://` address of a socket that only this user can reach. */
  url: string;
  /** Whether the data is new; true for one of any number of callers. */
  firstStart: boolean;
  /** Ends the use of the database, which shuts down when nobody else uses it. */
  close(): Promise<void>;
}

/** A connection to the guard of a running database, and its greeting. Holding it is using the database. */
interface Lease {
  socket: Socket;
  greeting: Greeting;
}

const PATIENCE_MS = 60_000;
const CLOSE_TIMEOUT_MS = 10_000;
const RETRY_MS = 50;

/**
 * Opens the embedded PostgreSQL of a data folder. The first caller starts it in a process of its own; others, in any
 * process, share that one. It ends with the last of them, even one that is killed.
 *
 * @param dataDirectory created where missing, for this user only
 * @throws Error that tells the operator why the folder cannot be used, and the fix
 */
export async function openEmbeddedDatabase(dataDirectory: string): Promise<EmbeddedDatabase> {
  const directory = resolve(dataDirectory);
  const lock = join(directory, 'postgres.lock');
  await prepareFolders(directory, lock);
  let deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const { generation, claim } = await latestClaim(lock);
    const answer = claim && isRunning(claim.pid) ? await askGuard(claim, deadline) : 'dead';
    if (typeof answer === 'object') return embeddedDatabase(answer);
    if (answer === 'dead') {
      await startProcess(directory, generation + 1);
      deadline = performance.now() + PATIENCE_MS;
    } else if (performance.now() > deadline) {
      throw new Error(
        `The embedded database in ${directory} does not answer. Stop process ${claim?.pid}, or, if that is another ` +
          `program, delete the folder ${lock}; then start again.`,
      );
    } else await sleep(RETRY_MS);
  }
}

async function prepareFolders(directory: string, lock: string): Promise<void> {
  try {
    // The mode counts only for folders created here: the mode of an existing one is the operator's choice.
    await mkdir(lock, { recursive: true, mode: 0o700 });
    for (const folder of [directory, lock]) await access(folder, constants.R_OK | constants.W_OK);
  } catch (error) {
    throw new Error(
      `Cannot keep data in ${directory} (${(error as Error).message}). ` +
        'Make it a folder this user may write to, or set DATABASE_URL to use a PostgreSQL server.',
    );
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/**
 * Asks the guard of a claim for a lease. Only a refused connection proves that the owner is dead: the guard of a database
 * that is starting, busy or closing is up, and answers later or hangs up.
 */
async function askGuard(claim: Claim, deadline: number): Promise<Lease | 'dead' | 'silent'> {
  const socket = connect(claim.port, '127.0.0.1');
  try {
    await once(socket, 'connect');
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ECONNREFUSED' ? 'dead' : 'silent';
  }
  socket.on('error', () => undefined);
  socket.setTimeout(Math.max(1, deadline - performance.now()), () => socket.destroy());
  socket.write(proofOf(claim.token));
  const greeting = await readGreeting(socket);
  socket.setTimeout(0);
  if (greeting?.token === claim.token) return { socket, greeting };
  socket.destroy();
  return 'silent';
}

/** @returns `undefined` where the guard hangs up, or another program answers */
function readGreeting(socket: Socket): Promise<Greeting | undefined> {
  return new Promise((resolve) => {
    let text = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      if (text.endsWith('\n')) resolve(parseGreeting(text));
    });
    socket.once('close', () => resolve(undefined));
  });
}

function parseGreeting(text: string): Greeting | undefined {
  try {
    return JSON.parse(text) as Greeting;
  } catch {
    return undefined;
  }
}

/** Returns when the folder has an owner: the process started here, or that of a faster caller. */
async function startProcess(directory: string, generation: number): Promise<void> {
  const child = fork(processFile(), [directory, String(generation)], {
    // A debugger's port, for one, cannot be opened twice.
    execArgv: [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const { failure } = await startReport(child);
  if (failure !== undefined) throw new Error(failure);
  child.unref();
}

function startReport(child: ChildProcess): Promise<StartReport> {
  return new Promise((resolve, reject) => {
    child.once('message', resolve);
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      reject(new Error(`The embedded database ended while it started (${signal ?? `exit status ${code}`}).`));
    });
  });
}

/** The compiled process. Under jest this file is TypeScript, and a forked Node can only run the build. */
function processFile(): string {
  const name = 'database-process.js';
  const built = join(__dirname, '..', '..', '..', 'dist', 'server', 'embedded-database', name);
  const found = [join(__dirname, name), built].find((file) => existsSync(file));
  if (!found) throw new Error(`${built} is missing. Build first: npm run build`);
  return found;
}

function embeddedDatabase({ socket, greeting: { url, firstStart } }: Lease): EmbeddedDatabase {
  let closing: Promise<void> | undefined;
  socket.once('close', () => {
    if (!closing)
      new Logger('EmbeddedDatabase').error('The embedded database stopped unexpectedly. Restart the server.');
  });
  // Only what uses the database may keep this process alive.
  socket.unref();
  return {
    url,
    firstStart,
    close: () => (closing ??= endLease(socket)),
  };
}

/** Waits until the database has shut down, if this was its last user. */
function endLease(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.closed) return resolve();
    socket.once('close', () => resolve());
    socket.ref();
    socket.setTimeout(CLOSE_TIMEOUT_MS, () => socket.destroy());
    socket.end();
  });
}
