import { ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';

export interface PostgresServer {
  url: string;
  pid: number;
  close(): Promise<void>;
}

/** The data goes with the server, so nothing has to reach the disk. */
const WITHOUT_DISK = ['fsync=off', 'full_page_writes=off'];

/**
 * A server of the PostgreSQL that is installed here, for this run alone.
 *
 * @param settings as in `postgresql.conf`
 * @returns `undefined` where none is installed
 */
export async function startPostgresServer(settings = WITHOUT_DISK): Promise<PostgresServer | undefined> {
  const programs = programFolders().find((folder) => existsSync(join(folder, 'initdb')));
  if (!programs) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-test-'));
  const user = notRoot();
  if (user) chownSync(folder, user.uid, user.gid);
  const data = join(folder, 'data');
  const made = spawnSync(
    join(programs, 'initdb'),
    ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-locale', '--no-sync'],
    { ...user, encoding: 'utf8' },
  );
  if (made.status !== 0) throw new Error(`initdb: ${made.error?.message ?? made.stderr}`);
  const port = await freePort();
  const all = [...settings, 'listen_addresses=127.0.0.1', `port=${port}`];
  const server = spawn(
    join(programs, 'postgres'),
    ['-D', data, '-k', folder, ...all.flatMap((setting) => ['-c', setting])],
    { ...user, stdio: 'ignore' },
  );
  const stopAtOnce = () => server.kill('SIGQUIT');
  process.once('exit', stopAtOnce);
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  await answering(server, url);
  const close = async () => {
    process.off('exit', stopAtOnce);
    const exit = once(server, 'exit');
    server.kill('SIGINT');
    await exit;
    rmSync(folder, { recursive: true, force: true });
  };
  return { url, pid: server.pid!, close };
}

/** Debian keeps the programs of each version apart, and out of the path. */
function programFolders(): string[] {
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : [];
  return [
    ...(process.env['PATH'] ?? '').split(delimiter),
    ...versions.map((name) => join(debian, name, 'bin')),
  ];
}

/** PostgreSQL refuses to run as root: it runs as nobody then. */
function notRoot(): { uid: number; gid: number } | undefined {
  return process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : undefined;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function answering(server: ChildProcess, url: string): Promise<void> {
  for (;;) {
    const client = new Client(url);
    try {
      await client.connect();
      return await client.end();
    } catch (error) {
      if (server.exitCode !== null) throw error;
      await delay(50);
    }
  }
}
