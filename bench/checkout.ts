// A checkout of this project under measure: its databases, its programs, its settings.
import { execFile, execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePort } from '../test/faults/cluster';
import type { Cluster } from './cluster';

export const PASSWORD = 'correct horse battery staple';
/** What the mail goes to, and what gets none. */
export const KNOWN = 'known.{n}@example.com';
export const UNKNOWN = 'nobody.{n}@example.com';

const START_PATIENCE_MS = 60_000;
const living = new Set<ChildProcess>();
process.on('exit', () => living.forEach((child) => child.kill('SIGKILL')));

type Settings = Record<string, string>;

/** Requests in the queue. */
export interface Backlog {
  count: number;
  /** With `{n}`. */
  address: string;
}

export class Checkout {
  /** Its working folder, whose `.env` is nobody's. */
  private readonly cwd = mkdtempSync(join(tmpdir(), 'latchkey-bench-'));
  /** Databases that others are copies of. */
  private plain?: Promise<string>;
  private readonly filled = new Map<string, Promise<string>>();

  constructor(
    readonly name: string,
    readonly folder: string,
    private readonly cluster: Cluster,
    private readonly users: number,
    private readonly mailPort: number,
  ) {
    if (!existsSync(join(folder, 'dist', 'main.js'))) throw new Error(`${folder} is not built.`);
  }

  get commit(): string {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], {
      cwd: this.folder,
      encoding: 'utf8',
    }).trim();
  }

  /** A new database with the accounts. @param backlog requests that wait in its queue, if any */
  async createDatabase(backlog?: Backlog): Promise<string> {
    const database = `${this.name}_${Math.random().toString(36).slice(2)}`;
    await this.cluster.create(database, await (backlog ? this.templateWith(backlog) : this.template()));
    await this.cluster.settle();
    return database;
  }

  private template(): Promise<string> {
    return (this.plain ??= this.makeTemplate());
  }

  private templateWith(backlog: Backlog): Promise<string> {
    const name = `template_${this.name}_${backlog.address.split('.')[0]}_${backlog.count}`;
    const template = this.filled.get(name) ?? this.fill(name, backlog);
    this.filled.set(name, template);
    return template;
  }

  private async fill(name: string, { count, address }: Backlog): Promise<string> {
    await this.cluster.create(name, await this.template());
    const args = [this.folder, String(count), address];
    // Nobody is answered, so nothing has to be on the disk at each commit.
    await this.run(join(__dirname, 'fill.js'), args, name, { PGOPTIONS: '-c synchronous_commit=off' });
    await this.cluster.query(name, 'ANALYZE');
    return name;
  }

  private async makeTemplate(): Promise<string> {
    const name = `template_${this.name}`;
    await this.cluster.create(name);
    const cli = join(this.folder, 'dist', 'cli.js');
    await this.run(cli, ['migrate'], name);
    const first = ['users', 'create', '--email', 'first@example.com', '--username', 'Susan'];
    await this.run(cli, first, name, {}, PASSWORD);
    // They share its hash: making hashes is not what is measured.
    await this.cluster.query(
      name,
      `INSERT INTO latchkey.users (id, email, email_key, username, password_hash, created_at)
       SELECT gen_random_uuid(), mail, mail, 'Susan', first.password_hash, now()
       FROM latchkey.users first, generate_series(0, $1::int - 1) n, replace($2, '{n}', n::text) mail
       WHERE first.email = 'first@example.com'`,
      [this.users, KNOWN],
    );
    await this.cluster.query(name, 'VACUUM ANALYZE');
    return name;
  }

  /** Starts the server. @returns it when it is ready */
  async start(database: string, role: string): Promise<Server> {
    const port = await freePort();
    const log = join(this.cwd, 'log');
    const output = openSync(log, 'w');
    const begin = performance.now();
    const child = spawn(process.execPath, [join(this.folder, 'dist', 'main.js')], {
      cwd: this.cwd,
      env: { ...this.settings(database), ROLE: role, PORT: String(port) },
      stdio: ['ignore', output, output],
    });
    const server = new Server(child, port);
    while (!(await server.isReady())) {
      const late = performance.now() - begin > START_PATIENCE_MS;
      if (late || child.exitCode !== null)
        throw new Error(`${this.name} does not start:\n${readFileSync(log, 'utf8').slice(-2000)}`);
      await delay(5);
    }
    server.readyMs = performance.now() - begin;
    return server;
  }

  close() {
    rmSync(this.cwd, { recursive: true, force: true });
  }

  private async run(program: string, args: string[], database: string, env: Settings = {}, input = '') {
    const options = { cwd: this.cwd, env: { ...this.settings(database), ROLE: 'web', ...env } };
    const run = promisify(execFile)(process.execPath, [program, ...args], options);
    run.child.stdin!.end(input);
    await run;
  }

  /** As in production: limits, log and audit are on. Only the hourly budget of mails is out of the way. */
  private settings(database: string): Settings {
    return {
      PATH: process.env.PATH!,
      NODE_ENV: 'production',
      PUBLIC_URL: 'https://latchkey.example.com',
      ADMINS: 'no-reply@latchkey.example.com',
      SECRET_KEY: 'Yw3kq9Zr7Lm2Tx8Vb5Nc1Hd6Jf4Gs0Pq',
      DATABASE_URL: this.cluster.url(database),
      MAIL_SERVER: '127.0.0.1',
      MAIL_PORT: String(this.mailPort),
      MAILS_PER_HOUR: '10000000',
      TRUST_PROXY: '1',
      SHUTDOWN_DELAY: '0',
    };
  }
}

/** A server that runs. */
export class Server {
  readonly origin: string;
  /** From its start until it was ready. */
  readyMs = 0;

  constructor(
    private readonly child: ChildProcess,
    readonly port: number,
  ) {
    this.origin = `http://127.0.0.1:${port}`;
    living.add(child);
  }

  get pid(): number {
    return this.child.pid!;
  }

  async isReady(): Promise<boolean> {
    return fetch(`${this.origin}/health/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
  }

  async stop(): Promise<void> {
    const exit = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    await exit;
    living.delete(this.child);
  }
}

/** The checkout that this program is of. */
export const PROJECT = resolve(__dirname, '..', '..');
