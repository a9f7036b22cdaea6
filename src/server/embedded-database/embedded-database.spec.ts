import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Pool } from 'pg';
import { type EmbeddedDatabase, openEmbeddedDatabase } from './embedded-database';
import { type Claim, latestClaim } from './folder-lock';

jest.setTimeout(60_000);

let root: string;
let made = 0;
let createdByFirst: boolean;
const opened: EmbeddedDatabase[] = [];
const spawned: ChildProcess[] = [];

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'latchkey-database-'));
  // The first start takes seconds; most tests begin with a copy of its outcome.
  const first = await openEmbeddedDatabase(join(root, 'template'));
  createdByFirst = first.firstStart;
  await query(first.url, `create table note (text text); insert into note values ('from the first start')`);
  await first.close();
});

afterEach(async () => {
  for (const child of spawned.splice(0)) child.kill('SIGKILL');
  await Promise.all(opened.splice(0).map((database) => database.close()));
});

afterAll(() => rm(root, { recursive: true, force: true }));

describe('the data', () => {
  it('is created by the first start, for this user only, and kept for the next', async () => {
    const directory = join(root, 'template');
    const { url, firstStart } = await open(directory);
    expect([createdByFirst, firstStart]).toEqual([true, false]);
    await expect(query(url, 'select text from note')).resolves.toEqual([{ text: 'from the first start' }]);
    if (process.platform === 'win32') return;
    for (const folder of [directory, join(directory, 'postgres')]) {
      expect((await stat(folder)).mode & 0o777).toBe(0o700);
    }
  });

  it('begins anew where the first start was cut short', async () => {
    const directory = join(root, 'cut-short');
    await mkdir(join(directory, 'postgres.new'), { recursive: true });
    await writeFile(join(directory, 'postgres.new', 'PG_VERSION'), '18');
    expect((await open(directory)).firstStart).toBe(true);
  });

  it('keeps a committed row through kill -9, and drops an uncommitted one', async () => {
    const directory = await dataFolder();
    const { url } = await open(directory);
    await query(url, 'delete from note');
    const uncommitted = await client(url);
    await query(url, `insert into note values ('committed')`);
    await uncommitted.query('begin');
    await uncommitted.query(`insert into note values ('uncommitted')`);
    await killServer(directory);

    const { url: again } = await open(directory);
    await expect(query(again, 'select text from note')).resolves.toEqual([{ text: 'committed' }]);
  });

  it('keeps every confirmed row when kill -9 comes in the midst of the work', async () => {
    const directory = await dataFolder();
    const { url } = await open(directory);
    await query(url, 'create table counter (n int primary key)');
    const writer = await client(url);
    let confirmed = 0;
    const writing = (async () => {
      for (;;) {
        await writer.query('insert into counter values ($1)', [confirmed + 1]);
        confirmed += 1;
      }
    })();
    await sleep(500);
    await Promise.all([killServer(directory), expect(writing).rejects.toThrow()]);

    const [row] = await query(
      (await open(directory)).url,
      'select count(*)::int as rows, max(n) as last from counter',
    );
    expect(confirmed).toBeGreaterThan(0);
    expect(row.rows).toBe(row.last);
    expect(row.rows).toBeGreaterThanOrEqual(confirmed);
  });
});

describe('the process', () => {
  it('is shared by every process that opens the same folder, and outlives the one that started it', async () => {
    const directory = await dataFolder();
    const other = openElsewhere(directory);
    const { url } = await other.database;
    const mine = await open(directory);
    expect(mine).toMatchObject({ url, firstStart: false });

    other.process.kill('SIGKILL');
    await once(other.process, 'exit');
    await sleep(200);
    await expect(query(mine.url, 'select 1 as one')).resolves.toEqual([{ one: 1 }]);
  });

  it('is started once, however many start at the same moment', async () => {
    const directory = join(root, 'race');
    const databases = await Promise.all(Array.from({ length: 6 }, () => openElsewhere(directory).database));
    expect(new Set(databases.map(({ url }) => url)).size).toBe(1);
    expect(databases.filter(({ firstStart }) => firstStart)).toHaveLength(1);
  });

  it('finishes a first start whose starter was killed, for the next one', async () => {
    const directory = join(root, 'orphaned');
    const other = openElsewhere(directory);
    await claimMade(directory);
    other.process.kill('SIGKILL');
    expect((await open(directory)).firstStart).toBe(true);
  });

  it('ends with its last user, even one that is killed', async () => {
    const directory = await dataFolder();
    const other = openElsewhere(directory);
    await other.database;
    const { pid } = await claimOn(directory);
    other.process.kill('SIGKILL');
    await ended(pid);
  });

  it('is replaced by a start that follows the kill at once', async () => {
    const directory = await dataFolder();
    for (let round = 1; round <= 3; round += 1) {
      const other = openElsewhere(directory);
      const { url } = await other.database;
      await query(url, `create table round_${round} ()`);
      other.process.kill('SIGKILL');

      const database = await open(directory);
      await expect(query(database.url, `select * from round_${round}`)).resolves.toEqual([]);
      await database.close();
    }
  });

  it('is gone when close() has returned', async () => {
    const directory = await dataFolder();
    const database = await open(directory);
    await Promise.all([database.close(), database.close()]);
    await expect(query(database.url, 'select 1')).rejects.toThrow(/ECONNREFUSED|ENOENT/);
  });

  it('does not hear the Ctrl-C meant for the server', async () => {
    const directory = await dataFolder();
    const { url } = await open(directory);
    const { pid } = await claimOn(directory);
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.kill(pid, signal);
    await sleep(200);
    await expect(query(url, 'select 1 as one')).resolves.toEqual([{ one: 1 }]);
  });

  it.each<[string, (claim: Claim) => string]>([
    ['of a process that is gone', (claim) => JSON.stringify(claim)],
    [
      'whose process number now belongs to another program',
      (claim) => JSON.stringify({ ...claim, pid: process.pid }),
    ],
    ['that a power failure cut short', () => ''],
  ])('takes over a claim %s', async (_, staleFrom) => {
    const directory = await dataFolder();
    await open(directory);
    const claim = await claimOn(directory);
    await killServer(directory);
    const folder = join(directory, 'postgres.lock');
    await writeFile(join(folder, '41.json'), staleFrom(claim));

    const { url } = await open(directory);
    await expect(query(url, 'select 1 as one')).resolves.toEqual([{ one: 1 }]);
    await expect(readdir(folder)).resolves.toEqual(['42.json']);
  });
});

describe('several clients', () => {
  let database: EmbeddedDatabase;
  let url: string;

  beforeAll(async () => {
    database = await openEmbeddedDatabase(await dataFolder());
    url = database.url;
  });

  beforeEach(() => query(url, 'drop table if exists entry; create table entry (n int)'));

  afterAll(() => database.close());

  it('never mix up their parameterized queries and transactions', async () => {
    const pool = new Pool({ connectionString: url, max: 10 });
    const results = await Promise.all(
      Array.from({ length: 300 }, async (_, n) => {
        if (n % 3 === 0) return (await pool.query('select $1::int as n', [n])).rows[0].n;
        if (n % 3 === 1)
          return Number((await pool.query('select $1::text || $2 as n', ['', String(n)])).rows[0].n);
        const inside = await pool.connect();
        await inside.query('begin');
        await inside.query('insert into entry values ($1)', [n]);
        const { rows } = await inside.query('select max(n) as n from entry where n = $1', [n]);
        await inside.query(n % 2 === 0 ? 'commit' : 'rollback');
        inside.release();
        return rows[0].n;
      }),
    );
    const { rows } = await pool.query('select count(*)::int as kept from entry where n % 2 = 0');
    await pool.end();
    expect(results).toEqual(Array.from({ length: 300 }, (_, n) => n));
    expect(rows[0].kept).toBe(50);
  });

  it('take turns: a transaction waits for the end of the other', async () => {
    const [first, second] = [await client(url), await client(url)];
    await first.query('begin');
    await first.query('insert into entry values (1)');
    const begun = second
      .query('begin')
      .then(() => second.query('select count(*)::int as entries from entry'));
    await first.query('insert into entry values (2)');
    await first.query('rollback');
    await expect(begun).resolves.toMatchObject({ rows: [{ entries: 0 }] });
    await second.query('commit');
  });

  it.each([
    ['in a transaction', ['begin', 'insert into entry values (1)']],
    ['in a transaction that had failed', ['begin', 'insert into entry values (1)', 'select 1 / 0']],
  ])('are not held up by one that is lost %s', async (_, statements) => {
    const lost = await client(url);
    for (const statement of statements) await lost.query(statement).catch(() => undefined);
    // `connection` is the socket's owner inside pg: the only way to hang up without a goodbye.
    (lost as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
    await expect(query(url, 'select count(*)::int as entries from entry')).resolves.toEqual([{ entries: 0 }]);
  });

  it.each([
    ['after a Parse', [parse('select 1')]],
    ['after a failed Parse', [parse('select nothing from nowhere')]],
    [
      'in a failed batch of a transaction',
      [simple('begin'), simple('insert into entry values (1)'), parse('nonsense')],
    ],
  ])('are not held up by one that is lost %s', async (_, messages) => {
    const socket = connect(socketOf(url));
    await once(socket, 'connect');
    socket.write(startup());
    await once(socket, 'data');
    for (const message of messages) {
      socket.write(message);
      await once(socket, 'data');
    }
    socket.destroy();
    await expect(query(url, 'select count(*)::int as entries from entry')).resolves.toEqual([{ entries: 0 }]);
  });
});

describe('a folder that cannot be used', () => {
  it('is named, with the cure, where it is a file', async () => {
    const file = join(root, 'a-file');
    await writeFile(file, '');
    await expect(openEmbeddedDatabase(file)).rejects.toThrow(`Cannot keep data in ${file}`);
    await expect(openEmbeddedDatabase(file)).rejects.toThrow('set DATABASE_URL');
  });

  const isRoot = process.getuid?.() === 0;
  (isRoot ? it.skip : it)('is named, with the cure, where this user may not write', async () => {
    const directory = join(root, 'read-only');
    await mkdir(directory, { mode: 0o500 });
    await expect(openEmbeddedDatabase(directory)).rejects.toThrow(`Cannot keep data in ${directory}`);
  });

  it('is named, with the cure, where another version of PostgreSQL wrote it', async () => {
    const directory = await dataFolder();
    await writeFile(join(directory, 'postgres', 'PG_VERSION'), '14\n');
    await expect(openEmbeddedDatabase(directory)).rejects.toThrow(
      /was written by another version of PostgreSQL .*DATABASE_URL/,
    );
  });

  it('is named, with the cure, where the data is damaged', async () => {
    const directory = await dataFolder();
    await rm(join(directory, 'postgres', 'global'), { recursive: true });
    await expect(openEmbeddedDatabase(directory)).rejects.toThrow(/cannot be opened .*DATABASE_URL/);
  });
});

async function dataFolder(): Promise<string> {
  made += 1;
  const directory = join(root, `data-${made}`);
  await cp(join(root, 'template', 'postgres'), join(directory, 'postgres'), { recursive: true });
  return directory;
}

async function open(directory: string): Promise<EmbeddedDatabase> {
  const database = await openEmbeddedDatabase(directory);
  opened.push(database);
  return database;
}

/** Opens the folder in a Node process of its own, from the build. */
function openElsewhere(directory: string): { process: ChildProcess; database: Promise<EmbeddedDatabase> } {
  const build = join(__dirname, '..', '..', '..', 'dist', 'server', 'embedded-database');
  const script = `require(${JSON.stringify(build)}).openEmbeddedDatabase(${JSON.stringify(directory)})
    .then((database) => { process.send(database); setInterval(() => undefined, 1000); })`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  spawned.push(child);
  return { process: child, database: once(child, 'message').then(([database]) => database) };
}

async function claimOn(directory: string): Promise<Claim> {
  const { claim } = await latestClaim(join(directory, 'postgres.lock'));
  if (!claim) throw new Error(`Nobody claimed ${directory}`);
  return claim;
}

async function claimMade(directory: string): Promise<void> {
  while (!(await claimOn(directory).catch(() => undefined))) await sleep(10);
}

async function killServer(directory: string): Promise<void> {
  const { pid } = await claimOn(directory);
  process.kill(pid, 'SIGKILL');
  await ended(pid);
}

async function ended(pid: number): Promise<void> {
  for (let waited = 0; waited < 10_000; waited += 20) {
    // A process nobody has waited for yet still has a number; it is Z in Linux' list.
    const isZombie = (await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')).includes(') Z ');
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
    if (isZombie) return;
    await sleep(20);
  }
  throw new Error(`Process ${pid} is still there`);
}

async function client(url: string): Promise<Client> {
  const connection = new Client({ connectionString: url });
  connection.on('error', () => undefined);
  await connection.connect();
  return connection;
}

async function query(url: string, sql: string) {
  const connection = await client(url);
  try {
    return (await connection.query(sql)).rows;
  } finally {
    await connection.end();
  }
}

/** Where a driver connects to. */
function socketOf(url: string): string {
  return join(new URL(url).searchParams.get('host')!, '.s.PGSQL.5432');
}

function startup(): Buffer {
  return withLength(Buffer.from('\0\x03\0\0user\0postgres\0database\0postgres\0\0'));
}

function simple(sql: string): Buffer {
  return Buffer.concat([Buffer.from('Q'), withLength(Buffer.from(`${sql}\0`))]);
}

function parse(sql: string): Buffer {
  return Buffer.concat([Buffer.from('P'), withLength(Buffer.from(`\0${sql}\0\0\0`))]);
}

function withLength(body: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length + 4);
  return Buffer.concat([length, body]);
}
