/** Where the data lives, and how many connections may be open to it. */
export class DatabaseOptions {
  /** `postgres://user:password@host:port/database`; PostgreSQL 14 or later. */
  url!: string;
  /** The tables' classes; pass `latchkeyEntities`, and your own beside them. */
  entities: (new () => object)[] = [];
  /** Connections of this process. All of them: stores, queue and health check share one pool. */
  poolSize = 10;
  /** Milliseconds to wait for a free connection before the request fails. */
  connectTimeoutMs = 5_000;
  /** Milliseconds after which the server gives up a statement. */
  statementTimeoutMs = 10_000;
}
