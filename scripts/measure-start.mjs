// Measures a start on a real PostgreSQL: time to readiness, and memory a few seconds later.
// Usage: node scripts/measure-start.mjs postgres://…   (a database of its own is made there and dropped)
import { execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';

const ROUNDS = 5;
const PORT = '3919';
const server = new URL(process.argv[2]);
const name = `latchkey_start_${process.pid}`;

async function administer(sql) {
  const client = new pg.Client(server.href);
  await client.connect();
  await client.query(sql);
  await client.end();
}

async function startOnce(env) {
  const begin = performance.now();
  const child = spawn('node', ['dist/main.js'], { env, stdio: 'ignore' });
  let ready = false;
  while (!ready) {
    ready = await fetch(`http://127.0.0.1:${PORT}/health/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (!ready) await delay(5);
  }
  const ms = performance.now() - begin;
  await delay(5000);
  const rss = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))[1]) / 1024;
  child.kill('SIGTERM');
  await new Promise((resolve) => child.once('exit', resolve));
  return { ms, rss };
}

const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];

await administer(`CREATE DATABASE ${name}`);
try {
  const url = new URL(server);
  url.pathname = `/${name}`;
  const env = {
    ...process.env,
    DATABASE_URL: url.href,
    MAIL_SERVER: '127.0.0.1',
    PORT,
    LOG_LEVEL: 'warn',
    SECRET_KEY: 'Yw3kq9Zr7Lm2Tx8Vb5Nc1Hd6Jf4Gs0Pq',
  };
  execFileSync('node', ['dist/cli.js', 'migrate'], { env });
  const starts = [];
  for (let round = 0; round < ROUNDS; round++) starts.push(await startOnce(env));
  const ready = starts.map(({ ms }) => ms);
  console.log(`figure: ready ${Math.round(median(ready))} ms after the start (median of ${ROUNDS})`);
  console.log(
    `figure: idle memory ${Math.round(median(starts.map(({ rss }) => rss)))} MiB (median of ${ROUNDS})`,
  );
} finally {
  await administer(`DROP DATABASE ${name} WITH (FORCE)`);
}
