// Measures whether the time of an answer tells who has an account.
// Usage: npm run measure:enumeration [-- --samples 2000] [-- --mail-server slow]
// The built server runs in a process of its own, on a database of its own (made on DATABASE_URL where it is set, else
// embedded), beside a mail server that answers at once and then one that answers after five seconds. Classes of addresses are
// asked in random order, one request after the other. A table tells how well a single time tells each class from an
// unknown address (AUC; 0.5 is guessing).
import { spawn, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { SMTPServer } from 'smtp-server';
import { areaUnderCurve, median } from './rank-statistic.mjs';

const { openEmbeddedDatabase } = createRequire(import.meta.url)('../dist/database');
const { values: options } = parseArgs({
  options: { samples: { type: 'string', default: '2000' }, 'mail-server': { type: 'string' } },
});
const SAMPLES = Number(options.samples);
const PORT = 3929;
const PASSWORD = 'correct horse battery staple';
const FAILURES_THAT_BLOCK = 101;
const SLOW_MS = 5000;
const dist = resolve(import.meta.dirname, '..', 'dist');

const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

/** Sends one request, from an address that no other came from. @returns status and milliseconds */
function post(path, body) {
  const text = JSON.stringify(body);
  const source = `10.${[1, 2, 3].map(() => Math.floor(Math.random() * 256)).join('.')}`;
  const headers = {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(text),
    'X-Forwarded-For': source,
  };
  return new Promise((fulfill, reject) => {
    const begin = performance.now();
    const request = http.request({ port: PORT, host: '127.0.0.1', method: 'POST', path, headers, agent });
    request.on('error', reject).on('response', (response) => {
      response.on('error', reject).on('end', () => {
        fulfill({ status: response.statusCode, ms: performance.now() - begin });
      });
      response.resume();
    });
    request.end(text);
  });
}

const address = (kind, n) => `${kind}.${n}@example.com`;

/** The requests that are compared, by the class of the address. The n-th of a class has an address of its own. */
const ROUTES = {
  ask: {
    classes: ['unknown', 'known', 'disabled', 'unverified', 'over the cap'],
    send: (kind, n) => post('/api/password-reset', { email: address(`ask-${slug(kind)}`, n) }),
    expected: 202,
  },
  // Everybody but "known" comes with the right password, where there is one.
  login: {
    classes: ['unknown', 'known', 'disabled', 'unverified', 'over the cap'],
    send: (kind, n) =>
      post('/api/auth/login', {
        email: address(`login-${slug(kind)}`, n),
        password: kind === 'known' ? `${PASSWORD} not` : PASSWORD,
      }),
    expected: 401,
  },
  registration: {
    classes: ['unknown', 'known', 'disabled', 'unverified', 'over the cap'],
    send: (kind, n) =>
      post('/api/users', {
        email: address(`registration-${slug(kind)}`, n),
        username: 'Susan',
        password: `${PASSWORD} ${n}`,
      }),
    expected: 202,
  },
};

function slug(kind) {
  return kind.replaceAll(' ', '-');
}

/** Accounts of every class; one of them is made by the program, the others share its hash. */
async function seed(database, env) {
  execFileSync(
    'node',
    [join(dist, 'cli.js'), 'users', 'create', '--email', 'first@example.com', '--username', 'S'],
    {
      env,
      input: PASSWORD,
    },
  );
  const classes = {
    known: 'NULL, NULL',
    disabled: 'now(), NULL',
    unverified: 'NULL, now()',
    'over the cap': 'NULL, NULL',
  };
  for (const route of Object.keys(ROUTES)) {
    for (const [kind, states] of Object.entries(classes)) {
      await database.query(
        `INSERT INTO latchkey.users (id, email, email_key, username, password_hash, created_at, disabled_at, unverified_since)
         SELECT gen_random_uuid(), mail, mail, 'Susan', (SELECT password_hash FROM latchkey.users WHERE email = 'first@example.com'),
           now(), ${states}
         FROM generate_series(0, $1::int - 1) n, concat($2::text, '.', n, '@example.com') mail`,
        [SAMPLES, `${route}-${slug(kind)}`],
      );
    }
  }
  await database.query(`
    INSERT INTO latchkey.password_resets (id, user_id, created_at, expires_at)
    SELECT gen_random_uuid(), id::text, now(), now() FROM latchkey.users, generate_series(1, 5)
    WHERE email LIKE 'ask-over-the-cap.%'`);
  await database.query(`
    INSERT INTO latchkey.registrations (id, email, email_key, username, created_at, mailed_at)
    SELECT gen_random_uuid(), email, email, 'Susan', now(), now() FROM latchkey.users, generate_series(1, 5)
    WHERE email LIKE 'registration-over-the-cap.%'`);
  await database.query(
    `INSERT INTO latchkey.limit_counters (key, points, expire)
     SELECT key, $1, (extract(epoch FROM now()) + 86400) * 1000 FROM unnest($2::text[]) key`,
    [
      FAILURES_THAT_BLOCK,
      Array.from({ length: SAMPLES }, (_, n) => failuresOf(address('login-over-the-cap', n))),
    ],
  );
  await database.query('ANALYZE');
}

/** Under which key the wrong passwords of an account are counted, which has the password of its beginning. */
function failuresOf(email) {
  return `login-failures-account:${createHash('sha256').update(`1 ${email}`).digest('base64url')}`;
}

async function startServer(env) {
  const child = spawn('node', [join(dist, 'main.js')], { env, stdio: ['ignore', 'ignore', 'inherit'] });
  for (;;) {
    const ready = await fetch(`http://127.0.0.1:${PORT}/health/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (ready) return child;
    if (child.exitCode !== null) throw new Error('The server has ended.');
    await delay(50);
  }
}

async function startMailServer(answerAfterMs) {
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS', 'AUTH'],
    onData: (stream, _session, answer) => {
      stream.on('end', () => setTimeout(answer, answerAfterMs)).resume();
    },
  });
  // The program is killed in the end, with its connections.
  server.on('error', () => undefined);
  await new Promise((fulfill) => server.listen(0, '127.0.0.1', fulfill));
  return server;
}

async function measure(route) {
  const { classes, send, expected } = ROUTES[route];
  const turns = shuffle(classes.flatMap((kind) => Array.from({ length: SAMPLES }, (_, n) => ({ kind, n }))));
  const times = Object.fromEntries(classes.map((kind) => [kind, []]));
  // The first requests find cold caches; they are not counted.
  for (let n = 0; n < 200; n++) await send('unknown', `warm-up-${n}`);
  for (const { kind, n } of turns) {
    const { status, ms } = await send(kind, n);
    if (status !== expected) throw new Error(`${route}, ${kind}: status ${status}`);
    times[kind].push(ms);
  }
  return times;
}

function shuffle(items) {
  for (let i = items.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [items[i], items[j]] = [items[j], items[i]];
  }
  return items;
}

async function openDatabase(folder) {
  if (!process.env.DATABASE_URL) {
    const { url, close } = await openEmbeddedDatabase(folder);
    return { url, close };
  }
  const server = new URL(process.env.DATABASE_URL);
  const name = `latchkey_enumeration_${process.pid}`;
  const administer = async (sql) => {
    const client = new pg.Client(server.href);
    await client.connect();
    await client.query(sql).finally(() => client.end());
  };
  await administer(`CREATE DATABASE ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return { url: url.href, close: () => administer(`DROP DATABASE ${name} WITH (FORCE)`) };
}

async function underCondition(condition, answerAfterMs) {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-enumeration-'));
  const database = await openDatabase(folder);
  const mailServer = await startMailServer(answerAfterMs);
  const env = {
    PATH: process.env.PATH,
    DATABASE_URL: database.url,
    MAIL_SERVER: '127.0.0.1',
    MAIL_PORT: String(mailServer.server.address().port),
    PORT: String(PORT),
    SECRET_KEY: 'Yw3kq9Zr7Lm2Tx8Vb5Nc1Hd6Jf4Gs0Pq',
    TRUST_PROXY: '1',
    MAILS_PER_HOUR: '0',
    // A cheap hash hides less of what stands beside it.
    BCRYPT_COST: '4',
    LOG_LEVEL: 'warn',
  };
  execFileSync('node', [join(dist, 'cli.js'), 'migrate'], { env });
  const client = new pg.Client(database.url);
  await client.connect();
  await seed(client, env);
  await client.end();
  const server = await startServer(env);
  try {
    for (const route of Object.keys(ROUTES)) report(condition, route, await measure(route));
  } finally {
    server.kill('SIGKILL');
    await once(server, 'exit');
    mailServer.close();
    mailServer.server.closeAllConnections?.();
    await database.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

function report(condition, route, { unknown, ...classes }) {
  for (const [kind, times] of Object.entries(classes)) {
    const { auc, low, high } = areaUnderCurve(times, unknown);
    const gap = median(times) - median(unknown);
    const cells = [condition, route, kind, times.length, median(times).toFixed(2), gap.toFixed(3)];
    const verdict = Math.abs(auc - 0.5) <= 0.02 ? 'yes' : 'NO';
    console.log(
      `| ${[...cells, auc.toFixed(3), `${low.toFixed(3)} to ${high.toFixed(3)}`, verdict].join(' | ')} |`,
    );
  }
}

console.log(
  '| mail server | route | class | n | median ms | gap to unknown, ms | AUC | 95 % interval | 0.50 ± 0.02 |',
);
console.log('|---|---|---|---|---|---|---|---|---|');
if (options['mail-server'] !== 'slow') await underCondition('idle', 0);
if (options['mail-server'] !== 'idle') await underCondition(`answers in ${SLOW_MS / 1000} s`, SLOW_MS);
process.exit(0);
