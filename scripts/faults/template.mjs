// The database that each figure gets a copy of: migrated, with one account that the program itself has made.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { program } from './server.mjs';
import { PASSWORD, SECRET_KEY } from './world.mjs';

const NAME = 'template_latchkey';

/** Runs the operator's program to its end. */
export async function cli(args, env, input = '') {
  // Not in the project's folder, whose .env is somebody's.
  const cwd = mkdtempSync(join(tmpdir(), 'latchkey-faults-cwd-'));
  try {
    await new Promise((resolve, reject) => {
      const settings = { PATH: process.env.PATH, SECRET_KEY, MAIL_SERVER: '127.0.0.1', ...env };
      const child = execFile(
        process.execPath,
        [program('cli'), ...args],
        { cwd, env: settings, timeout: 60_000 },
        (error, _, complaint) => (error ? reject(new Error(`${args.join(' ')}: ${complaint}`)) : resolve()),
      );
      child.stdin.end(input);
    });
  } finally {
    rmSync(cwd, { recursive: true, force: true });
  }
}

export async function makeTemplate(cluster) {
  await cluster.administer(`CREATE DATABASE ${NAME}`);
  const env = { DATABASE_URL: cluster.url(NAME), BCRYPT_COST: '4' };
  await cli(['migrate'], env);
  await cli(['users', 'create', '--email', 'first@example.com', '--username', 'Susan'], env, PASSWORD);
  return NAME;
}
