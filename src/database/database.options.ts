/** Where the data lives, and how many connections may be open to it. */
export class DatabaseOptions {
  /** `postgres://user:password@host:port/database`; PostgreSQL 14 or later. */
  url!: string;
  /** The tables' classes; pass `latchkeyEntities`, and your own beside them. */
  entities: (new () => object)[] = [];
  /** Connections of this process. All of them: stores, queue and health check share one pool. */
  poolSize = 10;
  /** Milliseconds to wait for a free connection before the request is answered with 503. */
  connectTimeoutMs = 2_000;
  /** Milliseconds after which the server gives up a statement; 0 for none. One that never answers costs a second more. */
  statementTimeoutMs = 5_000;
  /** Milliseconds a statement waits for a lock that another transaction holds; 0 for any time. */
  lockTimeoutMs = 3_000;
}
