// The built server in a process of its own, which can be killed, stopped, and started again at the same address.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import { join, resolve } from 'node:path';
import { freePort } from './cluster.mjs';
import { SecretSearch } from './secret-search.mjs';
import { delay } from './time.mjs';

const PROJECT = resolve(import.meta.dirname, '..', '..');
const START_PATIENCE_MS = 40_000;
const ANSWER_PATIENCE_MS = 15_000;
/** What the end of the harness must not leave behind. */
const living = new Set();

export const program = (name) => join(PROJECT, 'dist', `${name}.js`);

export function killAll() {
  for (const child of living) child.kill('SIGKILL');
}

/** Notes a process that is to end with the harness. @returns its exit status, or the signal's name, when it ends */
export async function watch(child) {
  living.add(child);
  const [code, signal] = await once(child, 'exit');
  living.delete(child);
  return code ?? signal;
}

export class Server {
  /** Whether anything that confirms was printed. */
  search = new SecretSearch();
  /** The end of what was printed, for whoever looks into a failure. */
  tail = '';
  /** How often it ended without being asked to. */
  unexpectedExits = 0;

  /**
   * @param options.env its settings
   * @param options.cwd its working folder
   * @param options.preload a file that runs before the program, with a channel to the harness
   */
  constructor(options) {
    this.options = options;
  }

  /** @returns milliseconds until it was ready */
  async start() {
    const begin = performance.now();
    await this.launch();
    const { exited } = this;
    for (;;) {
      if ((await this.call('GET', '/health/ready', { patienceMs: 2000 })).status === 200) break;
      if (exited.done) throw new Error(`the server has ended: ${this.tail.slice(-600)}`);
      if (performance.now() - begin > START_PATIENCE_MS) throw new Error('the server does not get ready');
      await delay(30);
    }
    return performance.now() - begin;
  }

  /** Starts it and does not wait. */
  async launch() {
    const { env, cwd, preload } = this.options;
    this.port ??= await freePort();
    this.agent = new http.Agent({ keepAlive: true, maxSockets: 500 });
    this.child = spawn(process.execPath, [...(preload ? ['--require', preload] : []), program('main')], {
      cwd,
      env: { PATH: process.env.PATH, PORT: String(this.port), ...env },
      stdio: ['ignore', 'pipe', 'pipe', ...(preload ? ['ipc'] : [])],
    });
    this.startedAt = performance.now();
    const { child } = this;
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => this.read(chunk));
    this.exited = watch(child).then((status) => this.noteExit(child, status));
  }

  noteExit(child, status) {
    this.exited.done = true;
    if (!child.wanted) this.unexpectedExits++;
    this.agent.destroy();
    return status;
  }

  /** @returns the exit status, or the signal's name */
  async end(signal = 'SIGKILL') {
    if (!this.child || this.exited.done) return undefined;
    this.child.wanted = true;
    this.child.kill(signal);
    return this.exited;
  }

  get alive() {
    return this.child !== undefined && !this.exited.done;
  }

  get pid() {
    return this.child.pid;
  }

  read(chunk) {
    const text = chunk.toString('utf8');
    this.search.read(text);
    this.tail = (this.tail + text).slice(-20_000);
  }

  /** Sends a request. Never throws: no `status` means that nobody knows what became of it. */
  call(method, path, { body, bearer, source = someSource(), patienceMs = ANSWER_PATIENCE_MS } = {}) {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const headers = { 'X-Forwarded-For': source };
    if (text)
      Object.assign(headers, {
        'Content-Type': 'application/json',
        'Content-Length': Buffer.byteLength(text),
      });
    if (bearer) headers.Authorization = `Bearer ${bearer}`;
    const begin = performance.now();
    return new Promise((fulfill) => {
      const done = (answer) => fulfill({ ...answer, ms: performance.now() - begin });
      const { port, agent } = this;
      const request = http.request({
        host: '127.0.0.1',
        port,
        method,
        path,
        headers,
        agent,
        timeout: patienceMs,
      });
      request.on('timeout', () => request.destroy(new Error('no answer')));
      request.on('error', (error) => done({ error: error.code ?? error.message }));
      request.on('response', (response) => {
        let answer = '';
        response.setEncoding('utf8').on('data', (chunk) => (answer += chunk));
        response.on('error', (error) => done({ error: error.code ?? error.message }));
        response.on('end', () => {
          done({ status: response.statusCode, headers: response.headers, text: answer });
        });
      });
      request.end(text);
    });
  }
}

/** Addresses that nobody else comes from; not of the seed, as nothing depends on them. */
function someSource() {
  return `10.${[1, 2, 3].map(() => Math.floor(Math.random() * 256)).join('.')}`;
}
