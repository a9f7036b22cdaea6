// A PostgreSQL of our own that writes to the disk as in production, and counts the statements that it is sent.
import pg from 'pg';
import { startPostgresServer, type PostgresServer } from '../test/support/postgres-server';
import { familyCpuMs } from './proc';

const SETTINGS = [
  'fsync=on',
  'shared_preload_libraries=pg_stat_statements',
  'max_connections=200',
  // Checkpoints at times of their own would slow down some figures and not others.
  'max_wal_size=8GB',
  'checkpoint_timeout=1h',
];

/** What PostgreSQL sends itself to check foreign keys at the end of a transaction. */
const FOREIGN_KEYS = 'FOR KEY SHARE OF x$';
/** What a transaction consists of beside its statements. */
const TRANSACTION_CONTROL = '^(BEGIN|START|COMMIT|ROLLBACK|SAVEPOINT|RELEASE|SET)';

/** Statements since the server started, and what begins and ends transactions. */
export interface Statements {
  statements: number;
  control: number;
}

export class Cluster {
  private constructor(
    private readonly server: PostgresServer,
    private readonly client: pg.Client,
  ) {}

  static async start(): Promise<Cluster> {
    const server = await startPostgresServer(SETTINGS).catch((error: Error) => {
      throw new Error(`PostgreSQL does not start (its contrib modules are needed): ${error.message}`);
    });
    if (!server) throw new Error('PostgreSQL is not installed.');
    const client = new pg.Client(server.url);
    await client.connect();
    await client.query('CREATE EXTENSION pg_stat_statements');
    return new Cluster(server, client);
  }

  url(database: string): string {
    return this.server.url.replace(/postgres$/, database);
  }

  async create(database: string, template = 'template0'): Promise<void> {
    await this.client.query(`CREATE DATABASE ${database} TEMPLATE ${template}`);
  }

  async drop(database: string): Promise<void> {
    await this.client.query(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`);
  }

  /** Writes everything out, so that no checkpoint of what was prepared falls into what is measured. */
  async settle(): Promise<void> {
    await this.client.query('CHECKPOINT');
  }

  async query<Row extends object>(database: string, sql: string, values: unknown[] = []): Promise<Row[]> {
    const client = new pg.Client(this.url(database));
    await client.connect();
    try {
      return (await client.query<Row>(sql, values)).rows;
    } finally {
      await client.end();
    }
  }

  async statementsIn(database: string): Promise<Statements> {
    const { rows } = await this.client.query<Statements>(
      `SELECT coalesce(sum(calls) FILTER (WHERE query !~* $2), 0)::float8 AS statements,
         coalesce(sum(calls) FILTER (WHERE query ~* $2), 0)::float8 AS control
       FROM pg_stat_statements JOIN pg_database ON pg_database.oid = dbid
       WHERE datname = $1 AND query !~ $3`,
      [database, TRANSACTION_CONTROL, FOREIGN_KEYS],
    );
    return rows[0]!;
  }

  /** Processor time of all processes of the server, in milliseconds. */
  cpuMs(): number {
    return familyCpuMs(this.server.pid);
  }

  async version(): Promise<string> {
    const { rows } = await this.client.query<{ server_version: string }>('SHOW server_version');
    return rows[0]!.server_version;
  }

  async close(): Promise<void> {
    await this.client.end();
    await this.server.close();
  }
}
