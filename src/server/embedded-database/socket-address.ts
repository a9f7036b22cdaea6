import { rmSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** Systems limit the path of a socket: 107 bytes on Linux, 103 on macOS. */
const LONGEST_SOCKET_PATH = 103;
/** The name that drivers derive from a folder and the default port. */
const SOCKET = '.s.PGSQL.5432';

/**
 * Where the embedded database listens: on a socket in a folder that only this user may enter, because it needs no
 * password. To be called by the owner of the data folder only: the socket of an earlier owner is removed.
 */
export async function addressFor(
  directory: string,
): Promise<{ path: string } | { host: string; port: number }> {
  // The driver knows no named pipes.
  if (process.platform === 'win32') return { host: '127.0.0.1', port: 0 };
  const folder = join(directory, 'postgres.socket');
  const path = join(folder, SOCKET);
  if (Buffer.byteLength(path) > LONGEST_SOCKET_PATH) return { path: await temporaryPath() };
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(folder, 0o700);
  await rm(path, { force: true });
  return { path };
}

async function temporaryPath(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return join(folder, SOCKET);
}

/** @param address as the socket server names it: a path, or host and port */
export function urlOf(address: string): string {
  if (!address.endsWith(SOCKET)) return `postgres://postgres@${address}/postgres`;
  return `postgres://postgres@localhost/postgres?host=${encodeURIComponent(dirname(address))}`;
}
