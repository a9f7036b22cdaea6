import { IsArray, IsBoolean } from 'class-validator';
import { BOUNDS, IsDatabaseUrl, IsWholeNumber } from '../common';

/** Where the data lives, and how many connections may be open to it. */
export class DatabaseOptions {
  /** `postgres://user:password@host:port/database`; PostgreSQL 14 or later. */
  @IsDatabaseUrl()
  url!: string;
  /** The tables' classes; pass `latchkeyEntities`, and your own beside them. */
  @IsArray()
  entities: (new () => object)[] = [];
  /** Connections of this process. All of them: stores, queue and health check share one pool. */
  @IsWholeNumber(...BOUNDS.poolSize)
  poolSize = 10;
  /** Milliseconds to wait for a free connection before the request is answered with 503. */
  @IsWholeNumber(1, 3_600_000)
  connectTimeoutMs = 2_000;
  /** Milliseconds after which the server gives up a statement; 0 for none. One that never answers costs a second more. */
  @IsWholeNumber(0, 3_600_000)
  statementTimeoutMs = 5_000;
  /** Milliseconds a statement waits for a lock that another transaction holds; 0 for any time. */
  @IsWholeNumber(0, 3_600_000)
  lockTimeoutMs = 3_000;
  /**
   * Whether connections prepare the statements that they repeat. They do not where two connections turn out to share a
   * session, as in the embedded database, so `false` is for poolers whose answer changes: PgBouncer before 1.21 in front of a
   * busy database.
   */
  @IsBoolean()
  preparedStatements = true;
}
