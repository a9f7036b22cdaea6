import {
  DataSource,
  DataSourceOptions,
  EntitySubscriberInterface,
  EventSubscriber,
  TransactionStartEvent,
} from 'typeorm';
import { OptionsInput } from '../common';
import { DatabaseClient } from './database-client';
import { DatabaseOptions } from './database.options';
import { migrations } from './migrations';
import { CheckedServer, checkServer, MIGRATIONS_TABLE } from './server-check';

const APPLICATION_NAME = 'latchkey';
const IDLE_IN_TRANSACTION_MS = 30_000;

type PostgresOptions = Extract<DataSourceOptions, { type: 'postgres' }>;

/**
 * How every connection of ours is opened: by the server, by the migrations, by tests.
 *
 * @param server what `inspectServer` has found
 */
export function dataSourceOptions(
  options: DatabaseOptions,
  { takesTimeouts }: CheckedServer,
): PostgresOptions {
  const timeouts = timeoutsOf(options);
  return {
    type: 'postgres',
    url: options.url,
    entities: options.entities,
    migrations,
    migrationsTableName: MIGRATIONS_TABLE,
    synchronize: false,
    // A missing value in a condition must never mean "any row": that once handed out the first account of the table.
    invalidWhereValuesBehavior: { null: 'throw', undefined: 'throw' },
    applicationName: APPLICATION_NAME,
    poolSize: options.poolSize,
    connectTimeoutMS: options.connectTimeoutMs,
    extra: { Client: DatabaseClient, ...connectionOf(options), ...(takesTimeouts && timeouts) },
    subscribers: takesTimeouts ? [] : [inEachTransaction(timeouts)],
  };
}

/** Connects once to see what is there. @throws UnfitDatabaseError where it is not set up as it must be */
export function inspectServer(options: DatabaseOptions): Promise<CheckedServer> {
  const config = {
    ...connectionOf(options),
    connectionString: options.url,
    connectionTimeoutMillis: options.connectTimeoutMs,
    application_name: APPLICATION_NAME,
  };
  return checkServer(config, timeoutsOf(options));
}

function connectionOf({ statementTimeoutMs }: DatabaseOptions) {
  // The second is for a server that has vanished and gives up nothing any more.
  return { keepAlive: true, query_timeout: statementTimeoutMs && statementTimeoutMs + 1_000 };
}

function timeoutsOf({ statementTimeoutMs, lockTimeoutMs }: DatabaseOptions) {
  return {
    statement_timeout: statementTimeoutMs,
    lock_timeout: lockTimeoutMs,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
  };
}

/**
 * Timeouts behind a pooler: what is set for a session there stays with a connection that others use next, so each
 * transaction sets its own. A statement outside of one has `query_timeout`.
 */
function inEachTransaction(timeouts: Record<string, number>): new () => EntitySubscriberInterface {
  const statements = Object.entries(timeouts).map(([name, ms]) => `SET LOCAL ${name} = ${ms}`);
  @EventSubscriber()
  class TransactionTimeouts implements EntitySubscriberInterface {
    async afterTransactionStart({ queryRunner }: TransactionStartEvent): Promise<void> {
      await queryRunner.query(statements.join('; '));
    }
  }
  return TransactionTimeouts;
}

/** Opens a connection of its own, for what runs beside the server: migrations and operator commands. */
export async function openDataSource(options: OptionsInput<DatabaseOptions, 'url'>): Promise<DataSource> {
  const resolved = { ...new DatabaseOptions(), ...options };
  const server = await inspectServer(resolved);
  const { migrationsSchema: schema } = server;
  return new DataSource({ ...dataSourceOptions(resolved, server), schema }).initialize();
}
