// The database that each figure gets a copy of: migrated, with one account that the program itself has made.
import { execFile } from 'node:child_process';
import { program, type Settings } from './server';
import { PASSWORD, SECRET_KEY, type World } from './world';
import type { Cluster } from './cluster';

const NAME = 'template_latchkey';

/** Runs the operator's program to its end. @returns what it has printed */
export function cli(cluster: Cluster, args: string[], env: Settings, input = ''): Promise<string> {
  const settings = { PATH: process.env.PATH, SECRET_KEY, MAIL_SERVER: '127.0.0.1', ...env };
  // Not in the project's folder, whose .env is somebody's.
  const options = { cwd: cluster.folder, env: settings, timeout: 240_000 };
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, output: string, complaint: string) =>
      error ? reject(new Error(`${args.join(' ')}: ${complaint}`)) : resolve(output);
    execFile(process.execPath, [program('cli'), ...args], options, done).stdin!.end(input);
  });
}

export async function makeTemplate(cluster: Cluster) {
  await cluster.administer(`CREATE DATABASE ${NAME}`);
  const env = { DATABASE_URL: cluster.url(NAME), BCRYPT_COST: '4' };
  await cli(cluster, ['migrate'], env);
  await cli(
    cluster,
    ['users', 'create', '--email', 'first@example.com', '--username', 'Susan'],
    env,
    PASSWORD,
  );
  return NAME;
}

/** The accounts of the harness have a cheap hash; these get one that costs what it costs in production. */
export async function makeDearHash({ cluster, name, database }: World, cost: string) {
  const env = { DATABASE_URL: cluster.url(name), BCRYPT_COST: cost };
  await cli(
    cluster,
    ['users', 'create', '--email', 'dear@example.com', '--username', 'Susan'],
    env,
    PASSWORD,
  );
  await database.query(
    `UPDATE latchkey.users SET password_hash = dear.password_hash FROM latchkey.users dear
     WHERE users.email = 'first@example.com' AND dear.email = 'dear@example.com'`,
  );
}
