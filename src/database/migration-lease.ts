import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DataSource } from 'typeorm';

/** For one that finds another at work. */
export interface MigrationWait {
  /** Seconds to wait for it. */
  waitSeconds: number;
  /** Told once, in a sentence, that there is one to wait for. */
  onWait: (message: string) => void;
}

const LEASE_SECONDS = 30;
const RENEW_EVERY_MS = 5_000;
const RETRY_MS = 500;

/** Any number that other programs on the same database are unlikely to lock. */
const SETUP_LOCK = 5_247_263_190;

const TAKE = `INSERT INTO latchkey.migration_lease AS lease (token, holder, ends_at)
  VALUES ($1, $2, clock_timestamp() + make_interval(secs => ${LEASE_SECONDS}))
  ON CONFLICT (only_one) DO UPDATE SET token = excluded.token, holder = excluded.holder, ends_at = excluded.ends_at
  WHERE lease.ends_at < clock_timestamp() RETURNING token`;
const RENEW = `UPDATE latchkey.migration_lease
  SET ends_at = clock_timestamp() + make_interval(secs => ${LEASE_SECONDS}) WHERE token = $1`;
const END = 'DELETE FROM latchkey.migration_lease WHERE token = $1';

/**
 * Does something while nobody else who comes this way does, on whatever machine.
 *
 * A row with an end, and no lock of a session: a pooler would keep that with its connection when the program is gone, and in
 * the embedded database all programs share one session. Needs a second connection for the time of the work.
 *
 * @throws Error where another is still at work when the time to wait is over
 */
export async function withMigrationLease<T>(
  database: DataSource,
  wait: MigrationWait,
  work: () => Promise<T>,
): Promise<T> {
  await makeTable(database);
  const token = randomUUID();
  await take(database, token, wait);
  // Were it lost nevertheless, the later of the two fails: each migration is a transaction, or can be run again.
  const renew = () => database.query(RENEW, [token]).catch(() => undefined);
  const renewal = setInterval(() => void renew(), RENEW_EVERY_MS);
  try {
    return await work();
  } finally {
    clearInterval(renewal);
    await database.query(END, [token]).catch(() => undefined);
  }
}

async function take(
  database: DataSource,
  token: string,
  { waitSeconds, onWait }: MigrationWait,
): Promise<void> {
  const deadline = performance.now() + waitSeconds * 1000;
  for (let waits = 0; ; waits += 1) {
    const taken = await database.query<unknown[]>(TAKE, [token, `${hostname()}, process ${process.pid}`]);
    if (taken.length > 0) return;
    const [lease] = await database.query<{ holder: string }[]>('SELECT holder FROM latchkey.migration_lease');
    if (!lease) continue;
    if (performance.now() >= deadline)
      throw new Error(
        `Another migrate is still running (${lease.holder}) after ${waitSeconds} seconds. Run it again when that is done; ` +
          `one that was killed stops counting after ${LEASE_SECONDS} seconds.`,
      );
    if (waits === 0) onWait(`Another migrate is running (${lease.holder}); waiting for it …`);
    await sleep(RETRY_MS);
  }
}

async function makeTable(database: DataSource): Promise<void> {
  await database.transaction(async (manager) => {
    // Two that both find nothing would both create it. This lock ends with the transaction.
    await manager.query('SELECT pg_advisory_xact_lock($1)', [SETUP_LOCK]);
    const [found] = await manager.query<[{ schema: string | null; table: string | null }]>(
      `SELECT to_regnamespace('latchkey') AS schema, to_regclass('latchkey.migration_lease') AS "table"`,
    );
    if (!found.schema) await manager.query('CREATE SCHEMA latchkey');
    if (!found.table)
      await manager.query(`
        CREATE TABLE latchkey.migration_lease (
          only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
          token uuid NOT NULL,
          holder text NOT NULL,
          ends_at timestamptz NOT NULL
        )`);
  });
}
