import { DataSource, DataSourceOptions } from 'typeorm';
import { OptionsInput } from '../common';
import { DatabaseOptions } from './database.options';
import { migrations } from './migrations';

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
    extra: { statement_timeout: options.statementTimeoutMs, idle_in_transaction_session_timeout: 30_000 },
  };
}

/** Opens a connection of its own, for what runs beside the server: migrations and operator commands. */
export function openDataSource(options: OptionsInput<DatabaseOptions, 'url'>): Promise<DataSource> {
  return new DataSource(dataSourceOptions({ ...new DatabaseOptions(), ...options })).initialize();
}
