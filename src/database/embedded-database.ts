import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { access, constants, mkdir } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { type Claim, latestClaim } from './embedded-database.lock';
import type { Greeting, StartReport } from './embedded-database.process';

/** A PostgreSQL that needs no installation, for development and tests. */
export interface EmbeddedDatabase {
  /** `postgres://` address on this machine. */
  url: string;
  /** Whether the data is new; of any number of callers, one is told so. */
  firstStart: boolean;
  /** Ends the use of the database; it is shut down when nobody else uses it. */
  close(): Promise<void>;
}

const START_TIMEOUT_MS = 60_000;
const CLOSE_TIMEOUT_MS = 10_000;
const RETRY_MS = 50;

/**
 * Opens the embedded PostgreSQL of a data folder. The first caller starts it as a process of its own; others, in
 * whatever process, share that one. It ends with the last of them, even one that is killed.
 *
 * @param dataDirectory created where missing, readable by this user only
 * @throws Error with a line for the operator where the folder cannot be used
 */
export async function openEmbeddedDatabase(dataDirectory: string): Promise<EmbeddedDatabase> {
  const directory = resolve(dataDirectory);
  await prepareFolder(directory);
  const deadline = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    const { generation, claim } = await latestClaim(lockFolder(directory));
    let answer = claim && isRunning(claim.pid) ? await askGuard(claim, deadline) : 'dead';
    if (answer === 'dead') answer = await startProcess(directory, generation + 1);
    if (typeof answer === 'object') return embeddedDatabase(answer);
    if (performance.now() > deadline) {
      throw new Error(
        `The embedded database in ${directory} does not answer. Stop process ${claim?.pid}, or, where that is another ` +
          `program, delete the folder ${lockFolder(directory)}; then start again.`,
      );
    }
    await sleep(RETRY_MS);
  }
}

/** A connection to the guard of a running database, and what the guard said. Holding it is using the database. */
interface Lease {
  socket: Socket;
  greeting: Greeting;
}

/**
 * Asks a claim's guard for a lease. Only a refused connection proves that nobody is there: a database that is starting,
 * busy or closing has its guard up, and answers later or hangs up.
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
  const greeting = await readGreeting(socket);
  socket.setTimeout(0);
  if (greeting?.token === claim.token) return { socket, greeting };
  socket.destroy();
  return 'silent';
}

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

/** @returns `silent` where another process was faster: its guard is to be asked */
async function startProcess(directory: string, generation: number): Promise<Lease | 'dead' | 'silent'> {
  const child = fork(processFile(), [directory, String(generation)], {
    // A debugger's port, for one, cannot be opened twice.
    execArgv: [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const report = await startReport(child);
  if ('failed' in report) throw new Error(report.failed);
  if ('taken' in report) return 'silent';
  const { claim } = await latestClaim(lockFolder(directory));
  const answer = claim ? await askGuard(claim, performance.now() + START_TIMEOUT_MS) : 'dead';
  // From here on the lease alone tells the process that it is needed.
  if (child.connected) child.disconnect();
  child.unref();
  return answer;
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
  const name = 'embedded-database.process.js';
  const candidates = [join(__dirname, name), join(__dirname, '..', '..', 'dist', 'database', name)];
  const found = candidates.find((file) => existsSync(file));
  if (!found) throw new Error(`${candidates[1]} is missing. Build first: npm run build`);
  return found;
}

function embeddedDatabase({ socket, greeting }: Lease): EmbeddedDatabase {
  let closing: Promise<void> | undefined;
  const ended = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.once('close', () => {
    if (closing) return;
    new Logger('EmbeddedDatabase').error('The embedded database stopped unexpectedly. Restart the server.');
  });
  // Only what uses the database may keep this process alive.
  socket.unref();
  return {
    url: `postgres://postgres@127.0.0.1:${greeting.port}/postgres`,
    firstStart: greeting.firstStart,
    close: () => {
      closing ??= endLease(socket, ended);
      return closing;
    },
  };
}

/** Waits until the database is shut down, where this was its last user. */
async function endLease(socket: Socket, ended: Promise<void>): Promise<void> {
  socket.ref();
  socket.setTimeout(CLOSE_TIMEOUT_MS, () => socket.destroy());
  socket.end();
  await ended;
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function prepareFolder(directory: string): Promise<void> {
  try {
    // The mode counts only for folders made here: one that exists is the operator's business.
    await mkdir(lockFolder(directory), { recursive: true, mode: 0o700 });
    for (const folder of [directory, lockFolder(directory)])
      await access(folder, constants.R_OK | constants.W_OK);
  } catch (error) {
    throw new Error(
      `Cannot keep data in ${directory} (${(error as Error).message}). ` +
        'Make it a folder this user may write to, or set DATABASE_URL to use a PostgreSQL server.',
    );
  }
}

function lockFolder(directory: string): string {
  return join(directory, 'postgres.lock');
}
