// The database that each figure gets a copy of: migrated, with one account that the program itself has made.
import { execFile } from 'node:child_process';
import { program } from './server.mjs';
import { PASSWORD, SECRET_KEY } from './world.mjs';

const NAME = 'template_latchkey';

/** Runs the operator's program to its end. */
export function cli(cluster, args, env, input = '') {
  const settings = { PATH: process.env.PATH, SECRET_KEY, MAIL_SERVER: '127.0.0.1', ...env };
  // Not in the project's folder, whose .env is somebody's.
  const options = { cwd: cluster.folder, env: settings, timeout: 60_000 };
  return new Promise((resolve, reject) => {
    const done = (error, _, complaint) =>
      error ? reject(new Error(`${args.join(' ')}: ${complaint}`)) : resolve();
    execFile(process.execPath, [program('cli'), ...args], options, done).stdin.end(input);
  });
}

export async function makeTemplate(cluster) {
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
