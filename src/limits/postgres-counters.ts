import { RateLimiterPostgres } from 'rate-limiter-flexible';
import type { Clock } from '../common';
import { deleteInBatches, TypeOrmTransactions } from '../database';
import type { Housekeeping } from '../jobs';
import { Counters, UNUSED } from './counters';

interface Query {
  text: string;
  values: unknown[];
}

/** Counters in the table `latchkey.limit_counters`, over the connections of all other data. */
export class PostgresCounters extends Counters {
  readonly limiter;

  constructor(
    private readonly transactions: TypeOrmTransactions,
    private readonly clock: Clock,
    housekeeping?: Housekeeping,
  ) {
    super();
    this.limiter = new RateLimiterPostgres({
      ...UNUSED,
      // A client of our own: the library's would need a pool of its own, and names its prepared statements, which
      // collide where several connections share one session (PGlite).
      storeClient: { query: (query: Query) => this.queryByOurClock(query) },
      storeType: 'client',
      schemaName: 'latchkey',
      tableName: 'limit_counters',
      tableCreated: true,
      // The library's way is a timer in every process.
      clearExpiredByTimeout: false,
      keyPrefix: '',
    });
    housekeeping?.register('expired counters', () => this.removeExpired());
  }

  private removeExpired(): Promise<number> {
    // An hour late: a host may measure windows by another clock than the database's.
    const expired = 'expire < (extract(epoch FROM now()) - 3600) * 1000';
    return deleteInBatches(this.transactions.manager, 'latchkey.limit_counters', expired, []);
  }

  /**
   * The library measures windows by the clock of this machine, and those of several machines differ: what it says of moments
   * is moved to the clock that they share, and back. Its statements with moments end with its "now".
   */
  private async queryByOurClock({ text, values }: Query): Promise<{ rows: unknown[]; rowCount: number }> {
    const machineNow = values.length > 1 ? (values.at(-1) as number) : undefined;
    const ahead = machineNow === undefined ? 0 : machineNow - this.clock.now().getTime();
    const [key, points, ...moments] = values as [string, number, ...number[]];
    const moved = [key, points, ...moments.map((moment) => moment - ahead)].slice(0, values.length);
    const { rows, rowCount } = await this.query({ text, values: moved });
    const counted = rows as { expire?: string }[];
    return { rows: counted.map((row) => ({ ...row, expire: Number(row.expire) + ahead })), rowCount };
  }

  private async query({ text, values }: Query): Promise<{ rows: unknown[]; rowCount: number }> {
    const { manager, underWay } = this.transactions;
    if (underWay) throw new Error('Limits cannot be counted inside a transaction.');
    const runner = manager.dataSource.createQueryRunner();
    try {
      const { records = [], affected = 0 } = await runner.query(text, values, true);
      return { rows: records as unknown[], rowCount: affected ?? 0 };
    } finally {
      await runner.release();
    }
  }
}
