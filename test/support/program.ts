import { ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import supertest from 'supertest';
import { until } from './mail-reader';

/** Making the data of an embedded database takes seconds, and many on a busy machine. */
export const START_PATIENCE_MS = 60_000;

/** What the server prints when it listens: a sentence for people, a line for machines. */
const READY = /is ready\.\n|"msg":"ready at /;

const BUILD = join(__dirname, '..', '..', 'dist');

export interface ProgramOptions {
  /** Its working folder; the embedded parts keep their data below it. */
  cwd: string;
  /** Its settings. Nothing of this process's environment gets to it. */
  env?: Record<string, string>;
  args?: string[];
  input?: string;
}

export interface Outcome {
  /** The exit status, or the name of the signal that ended it. */
  status: number | NodeJS.Signals;
  stdout: string;
  stderr: string;
  milliseconds: number;
}

const folders: string[] = [];
const processes: ChildProcess[] = [];

// One that a failed test left behind would keep Jest from ending.
afterAll(() => processes.forEach((process) => process.kill('SIGKILL')));

// A database that has lost its server still writes for a moment.
afterAll(() => {
  for (const folder of folders)
    rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
});

/** An empty folder, until the spec has ended. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-'));
  folders.push(folder);
  return folder;
}

/** A folder as awkward as people have them. */
export function awkwardFolder(): string {
  const folder = join(temporaryFolder(), 'ein Ordner – 資料夾', 'x'.repeat(100));
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, 0o700);
  return folder;
}

/** A port that nobody uses now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Runs a built program to its end. */
export function runProgram(name: 'main' | 'cli', options: ProgramOptions): Promise<Outcome> {
  return new Program(name, options).outcome;
}

/** A built program in a process of its own. */
class Program {
  readonly process: ChildProcess;
  readonly outcome: Promise<Outcome>;
  stdout = '';
  stderr = '';

  constructor(name: 'main' | 'cli', { cwd, env = {}, args = [], input = '' }: ProgramOptions) {
    const started = performance.now();
    this.process = spawn(process.execPath, [join(BUILD, `${name}.js`), ...args], {
      cwd,
      env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...env },
    });
    processes.push(this.process);
    this.process.stdout!.on('data', (chunk) => (this.stdout += chunk));
    this.process.stderr!.on('data', (chunk) => (this.stderr += chunk));
    // A program that never reads its input closes it.
    this.process.stdin!.on('error', () => undefined).end(input);
    this.outcome = once(this.process, 'close').then(([status, signal]) => ({
      status: status ?? signal,
      stdout: this.stdout,
      stderr: this.stderr,
      milliseconds: performance.now() - started,
    }));
  }
}

/** The built server, ready for requests. */
export class ServerProcess {
  private constructor(
    private readonly program: Program,
    readonly url: string,
  ) {}

  static async start({ env = {}, ...options }: ProgramOptions): Promise<ServerProcess> {
    const port = await freePort();
    const program = new Program('main', {
      ...options,
      env: { PORT: String(port), BCRYPT_COST: '4', RESET_COOLDOWN: '0', SHUTDOWN_DELAY: '0', ...env },
    });
    const ready = until(() => READY.test(program.stdout), 'the server', START_PATIENCE_MS);
    const ended = program.outcome.then(() => Promise.reject(new Error('The server has ended.')));
    try {
      await Promise.race([ready, ended]);
    } catch (error) {
      program.process.kill('SIGKILL');
      throw new Error(`${(error as Error).message}\n${program.stdout}${program.stderr}`);
    }
    return new ServerProcess(program, `http://127.0.0.1:${port}`);
  }

  /** What it has printed so far. */
  get stdout(): string {
    return this.program.stdout;
  }

  get stderr(): string {
    return this.program.stderr;
  }

  get http() {
    return supertest(this.url);
  }

  /** Ends it as a supervisor does. */
  stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Outcome> {
    this.program.process.kill(signal);
    return this.program.outcome;
  }

  login(email: string, password: string) {
    return this.http.post('/api/auth/login').send({ email, password });
  }

  confirm(token: string, password: string) {
    return this.http.post('/api/password-reset/confirm').send({ token, password });
  }

  /** Asks, and takes the token out of the mail that comes. */
  async tokenFor(email: string): Promise<string> {
    // A notice of before may come meanwhile.
    const tokens = async () =>
      (await this.mailsTo(email)).flatMap(({ text }) => /reset_password\/([\w.-]+)/.exec(text)?.[1] ?? []);
    const seen = (await tokens()).length;
    await this.http.post('/api/password-reset').send({ email }).expect(202);
    await until(async () => (await tokens()).length > seen, `a link for ${email}`);
    return (await tokens())[0]!;
  }

  /** Mails to an address, newest first. */
  private async mailsTo(email: string): Promise<{ to: string[]; text: string }[]> {
    const { body } = await this.http.get('/dev/mailbox.json').expect(200);
    return (body as { to: string[]; text: string }[]).filter(({ to }) => to.includes(email));
  }
}
