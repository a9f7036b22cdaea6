// The built server in a process of its own, which can be killed, stopped, and started again at the same address.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { RestClient, type CallOptions } from '../support/rest-client';
import { freePort } from './cluster';
import { SecretSearch } from './secret-search';
import { delay } from './time';
import type { Wire } from './wire';

export type { Answer } from '../support/rest-client';
export type Settings = Record<string, string>;

interface ServerOptions {
  env: Settings;
  /** Its working folder. */
  cwd: string;
  /** A file that runs before the program, with a channel to the harness. */
  preload?: string;
  /** What it reaches the database through. */
  wire?: Wire;
}

const PROJECT = resolve(__dirname, '..', '..');
const START_PATIENCE_MS = 90_000;
/** What the end of the harness must not leave behind. */
const living = new Set<ChildProcess>();

export const program = (name: 'main' | 'cli') => join(PROJECT, 'dist', `${name}.js`);

export function killAll() {
  for (const child of living) child.kill('SIGKILL');
}

/** Registers a process that is to end with the harness. @returns its exit status, or the signal's name, when it ends */
export async function watch(child: ChildProcess): Promise<number | string> {
  living.add(child);
  const [code, signal] = (await once(child, 'exit')) as [number | null, string];
  living.delete(child);
  return code ?? signal;
}

export class Server {
  /** Whether anything that confirms was printed. */
  readonly search = new SecretSearch();
  /** The end of what was printed, for the analysis of a failure. */
  tail = '';
  /** How often it ended without a signal of the harness. */
  unexpectedExits = 0;
  /** Since when it has been ready, on the clock of `performance`. */
  readySince = Infinity;
  private run?: { child: ChildProcess; exited: Promise<number | string>; over: boolean; wanted: boolean };
  private rest?: RestClient;
  private port?: number;

  constructor(readonly options: ServerOptions) {}

  /** @returns milliseconds until it was ready */
  async start(): Promise<number> {
    const begin = performance.now();
    this.readySince = Infinity;
    await this.launch();
    const run = this.run!;
    while ((await this.api.isReady({ patienceMs: 2000 })).status !== 200) {
      if (run.over) throw new Error(`the server has ended: ${this.tail.slice(-600)}`);
      if (performance.now() - begin > START_PATIENCE_MS) throw new Error('the server does not get ready');
      await delay(30);
    }
    this.readySince = performance.now();
    return this.readySince - begin;
  }

  private async launch() {
    const { env, cwd, preload } = this.options;
    this.port ??= await freePort();
    this.rest = new RestClient(this.port);
    const child = spawn(process.execPath, [...(preload ? ['--require', preload] : []), program('main')], {
      cwd,
      env: { PATH: process.env.PATH, PORT: String(this.port), ...env },
      stdio: ['ignore', 'pipe', 'pipe', ...(preload ? (['ipc'] as const) : [])],
    });
    for (const stream of [child.stdout!, child.stderr!])
      stream.on('data', (chunk: Buffer) => this.read(chunk));
    const run = { child, over: false, wanted: false, exited: watch(child) };
    run.exited = run.exited.then((status) => {
      run.over = true;
      if (!run.wanted) this.unexpectedExits++;
      return status;
    });
    this.run = run;
  }

  /** @returns the exit status, or the signal's name */
  async end(signal: NodeJS.Signals = 'SIGKILL') {
    if (!this.run || this.run.over) return undefined;
    this.run.wanted = true;
    this.run.child.kill(signal);
    const status = await this.run.exited;
    this.api.close();
    return status;
  }

  get alive() {
    return this.run !== undefined && !this.run.over;
  }

  get child(): ChildProcess {
    return this.run!.child;
  }

  get pid() {
    return this.child.pid;
  }

  get api(): RestClient {
    return this.rest!;
  }

  private read(chunk: Buffer) {
    const text = chunk.toString('utf8');
    this.search.read(text);
    this.tail = (this.tail + text).slice(-20_000);
  }

  call(method: string, path: string, options?: CallOptions) {
    return this.api.call(method, path, options);
  }
}
