import { Clock, SharedRounds } from '../common';
import { inBatches, TypeOrmTransactions } from '../database';
import type { Housekeeping } from '../jobs';
import { Count, Counters, StoredCounter } from './counters';

// A crash of the database may cost the counts of its last moments, so nobody waits for the disk. The setting that is in
// effect when a transaction commits decides (https://www.postgresql.org/docs/current/wal-async-commit.html).
const WITHOUT_DISK = `set_config('synchronous_commit', 'off', true)`;
const COUNT = `SELECT request, events, (ends_at - $5::bigint)::float8 AS "msLeft"
  FROM ${WITHOUT_DISK}, latchkey.count_in_order($1, $2, $3, $4, $5::bigint)`;
const REFUND = `UPDATE latchkey.limit_counters SET points = greatest(points - $3, 0) FROM ${WITHOUT_DISK}
  WHERE key = $1 AND expire > $2`;
const CLEAR = `DELETE FROM latchkey.limit_counters USING ${WITHOUT_DISK} WHERE key = $1`;
// An hour late: a host may measure windows by another clock than the database's. Compared as bigint, for the index. Rows that
// are being counted are passed over, as it must not wait for one while it holds another.
const DELETE_EXPIRED = `DELETE FROM latchkey.limit_counters WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM latchkey.limit_counters WHERE expire < ((extract(epoch FROM now()) - 3600) * 1000)::bigint
    LIMIT $1 FOR UPDATE SKIP LOCKED))`;

/**
 * Counters in the table `latchkey.limit_counters`, on the same connections as all other data. Requests of one turn of the
 * event loop are counted in one statement. Windows are measured by the shared clock, never by the clock of a machine.
 */
export class PostgresCounters extends Counters {
  // Any number at a time: no request waits for the counters of another turn, whose locks may be held.
  private readonly rounds = new SharedRounds(
    (requests: readonly StoredCounter[][]) => this.countAll(requests),
    { atATime: Infinity },
  );

  constructor(
    private readonly transactions: TypeOrmTransactions,
    private readonly clock: Clock,
    housekeeping?: Housekeeping,
  ) {
    super();
    housekeeping?.register('expired counters', () =>
      inBatches((limit) => this.change(DELETE_EXPIRED, [limit])),
    );
  }

  async count(counters: StoredCounter[]): Promise<Count[]> {
    this.assertNoTransaction();
    return this.rounds.do(counters);
  }

  async refund(storedKey: string, events: number): Promise<void> {
    await this.change(REFUND, [storedKey, this.clock.now().getTime(), events]);
  }

  async clear(storedKey: string): Promise<void> {
    await this.change(CLEAR, [storedKey]);
  }

  private async countAll(requests: readonly StoredCounter[][]): Promise<Count[][]> {
    const all = requests.flatMap((counters, request) => counters.map((counter) => ({ request, ...counter })));
    const { rows } = await this.transactions.query<Count & { request: number }>(COUNT, [
      all.map(({ request }) => request),
      all.map(({ storedKey }) => storedKey),
      all.map(({ limit }) => limit.events),
      all.map(({ limit }) => limit.seconds * 1000),
      this.clock.now().getTime(),
    ]);
    const counts: Count[][] = requests.map(() => []);
    for (const { request, ...count } of rows) counts[request]!.push(count);
    return counts;
  }

  /** @returns how many rows were changed */
  private async change(text: string, values: unknown[]): Promise<number> {
    this.assertNoTransaction();
    const { rowCount } = await this.transactions.query(text, values);
    return rowCount ?? 0;
  }

  private assertNoTransaction(): void {
    if (this.transactions.underWay) throw new Error('Limits cannot be counted inside a transaction.');
  }
}
