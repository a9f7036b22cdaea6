import { ChildProcess, spawn } from 'node:child_process';
import { chmodSync, existsSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { until } from './mail-reader';
import { freePort, temporaryFolder } from './program';

const PROGRAM = '/usr/sbin/pgbouncer';

/** Debian's package `pgbouncer`. */
export const hasPgBouncer = existsSync(PROGRAM);

export interface PgBouncer {
  /** The address of a database of the server, through the pooler. */
  urlOf(database: string): string;
  stop(): Promise<void>;
}

/** A PgBouncer of our own: in transaction mode, with few connections, the rest as it is delivered. */
export async function startPgBouncer(server: string): Promise<PgBouncer> {
  const { hostname, port, username } = new URL(server);
  const folder = temporaryFolder();
  const ownPort = await freePort();
  const file = join(folder, 'pgbouncer.ini');
  writeFileSync(
    file,
    `[databases]
* = host=${hostname} port=${port || 5432} user=${username}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${ownPort}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 3
`,
  );
  chmodSync(folder, 0o755);
  const pooler = spawn(PROGRAM, [file], { stdio: 'ignore', ...asNobody() });
  await until(() => listens(ownPort), 'PgBouncer');
  return {
    urlOf: (database) => `postgres://${username}@127.0.0.1:${ownPort}/${database}`,
    stop: () => stop(pooler),
  };
}

/** It refuses to run as root. */
function asNobody() {
  return process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
}

async function listens(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  const connected = await once(socket, 'connect').then(
    () => true,
    () => false,
  );
  socket.destroy();
  return connected;
}

async function stop(pooler: ChildProcess): Promise<void> {
  if (pooler.exitCode !== null) return;
  const exit = once(pooler, 'exit');
  pooler.kill('SIGKILL');
  await exit;
}
