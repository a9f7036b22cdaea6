// A PostgreSQL cluster of our own, on disk and with fsync: what is tested is what survives.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';

/** A port that nobody uses now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

/** PostgreSQL refuses to run as root; then it runs as the user that its package has made. */
function owner(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

/** Debian keeps the programs of the server out of the way; others have them in the path. */
function binaries() {
  const root = '/usr/lib/postgresql';
  if (!existsSync(root)) return '';
  const versions = readdirSync(root).sort((a, b) => Number(a) - Number(b));
  return join(root, versions.at(-1)!, 'bin');
}

export class Cluster {
  private readonly owner = owner();
  readonly bin = binaries();
  readonly folder = mkdtempSync(join(tmpdir(), 'latchkey-faults-'));
  private readonly data = join(this.folder, 'data');

  private constructor(readonly port: number) {}

  static async start() {
    const cluster = new Cluster(await freePort());
    const { uid, gid } = cluster.owner;
    if (uid && gid) chownSync(cluster.folder, uid, gid);
    await cluster.execute('initdb', ['-D', cluster.data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8']);
    await cluster.start();
    return cluster;
  }

  async start() {
    const settings = `-p ${this.port} -k ${this.folder} -c max_connections=400 -c log_min_messages=fatal`;
    const log = join(this.folder, 'log');
    await this.execute('pg_ctl', ['-D', this.data, '-w', '-t', '60', '-o', settings, '-l', log, 'start']);
  }

  /** As when the machine loses power, as far as a process can see. */
  async stop() {
    await this.execute('pg_ctl', ['-D', this.data, '-w', '-m', 'immediate', 'stop']);
  }

  url(database: string) {
    return `postgres://postgres@127.0.0.1:${this.port}/${database}`;
  }

  /** Runs one statement beside every figure's database. */
  async administer(sql: string) {
    const client = new pg.Client(this.url('postgres')).on('error', () => undefined);
    await client.connect();
    try {
      return await client.query(sql);
    } finally {
      await client.end();
    }
  }

  /** In time for `process.on('exit')`, where nothing can be awaited. */
  destroy() {
    try {
      execFileSync(join(this.bin, 'pg_ctl'), ['-D', this.data, '-m', 'immediate', 'stop'], {
        ...this.owner,
        cwd: '/',
        stdio: 'ignore',
      });
    } catch {
      // It has been stopped already.
    }
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** With the output closed: the server that pg_ctl leaves behind would hold it open. */
  private async execute(program: string, args: string[]) {
    const child = spawn(join(this.bin, program), args, { ...this.owner, cwd: '/', stdio: 'ignore' });
    const [code] = (await once(child, 'exit', { signal: AbortSignal.timeout(90_000) })) as [number | null];
    if (code !== 0) throw new Error(`${program} ${args.at(-1)} ended with ${code}`);
  }
}
