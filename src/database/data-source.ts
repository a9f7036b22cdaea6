import { Client, ClientConfig } from 'pg';
import { DataSource, DataSourceOptions } from 'typeorm';
import { OptionsInput } from '../common';
import { DatabaseOptions } from './database.options';
import { migrations } from './migrations';

/**
 * A connection that has not answered in time is closed: the driver would give it to the next query, which waits as vainly.
 */
class ImpatientClient extends Client {
  constructor(config?: ClientConfig) {
    super(config);
    const query = this.query.bind(this) as (...parameters: unknown[]) => Promise<unknown>;
    this.query = (...parameters: unknown[]) => {
      const result = query(...parameters);
      if (result instanceof Promise) result.catch((error: Error) => this.closeAfter(error));
      return result as never;
    };
  }

  private closeAfter({ message }: Error): void {
    if (message === 'Query read timeout') this.connection.stream.destroy();
  }
}

/** How every connection of ours is opened: by the server, by the migrations, by tests. */
export function dataSourceOptions(options: DatabaseOptions): DataSourceOptions {
  return {
    type: 'postgres',
    url: options.url,
    entities: options.entities,
    migrations,
    migrationsTableName: 'latchkey_migrations',
    synchronize: false,
    // A missing value in a condition must never mean "any row": that once handed out the first account of the table.
    invalidWhereValuesBehavior: { null: 'throw', undefined: 'throw' },
    applicationName: 'latchkey',
    poolSize: options.poolSize,
    connectTimeoutMS: options.connectTimeoutMs,
    extra: {
      Client: ImpatientClient,
      keepAlive: true,
      statement_timeout: options.statementTimeoutMs,
      lock_timeout: options.lockTimeoutMs,
      idle_in_transaction_session_timeout: 30_000,
      // For a server that has vanished and gives up nothing any more.
      query_timeout: options.statementTimeoutMs && options.statementTimeoutMs + 1_000,
    },
  };
}

/** Opens a connection of its own, for what runs beside the server: migrations and operator commands. */
export function openDataSource(options: OptionsInput<DatabaseOptions, 'url'>): Promise<DataSource> {
  return new DataSource(dataSourceOptions({ ...new DatabaseOptions(), ...options })).initialize();
}
