import { ClsPluginTransactional } from '@nestjs-cls/transactional';
import { TransactionalAdapterTypeOrm } from '@nestjs-cls/transactional-adapter-typeorm';
import { Module } from '@nestjs/common';
import { getDataSourceToken, TypeOrmModule } from '@nestjs/typeorm';
import { ClsModule } from 'nestjs-cls';
import { configurableModule, Transactions } from '../common';
import { dataSourceOptions, inspectServer } from './data-source';
import { DatabaseOptions } from './database.options';
import { PreparedStatements } from './prepared-statements';
import { TypeOrmTransactions } from './typeorm-transactions';

/** The ambient transaction over the default TypeORM data source of the application. */
@Module({
  imports: [
    ClsModule.registerPlugins([
      new ClsPluginTransactional({
        adapter: new TransactionalAdapterTypeOrm({ dataSourceToken: getDataSourceToken() as string }),
      }),
    ]),
  ],
  providers: [
    PreparedStatements,
    TypeOrmTransactions,
    { provide: Transactions, useExisting: TypeOrmTransactions },
  ],
  exports: [TypeOrmTransactions, Transactions],
})
class AmbientTransactionModule {}

const { ConfigurableModuleClass, optionsProvider } = configurableModule<DatabaseOptions, 'url'>(
  DatabaseOptions,
  () => [
    TypeOrmModule.forRootAsync({
      inject: [DatabaseOptions],
      useFactory: async (options: DatabaseOptions) => ({
        ...dataSourceOptions(options, await inspectServer(options)),
        retryAttempts: 0,
      }),
    }),
  ],
);

/**
 * PostgreSQL through TypeORM.
 *
 * A host that has a TypeORM data source of its own imports `DatabaseModule.forExisting()` instead of `forRoot`, and adds
 * `latchkeyEntities` and `latchkeyMigrations` to that data source.
 */
@Module({
  imports: [AmbientTransactionModule],
  providers: [optionsProvider],
  exports: [DatabaseOptions, AmbientTransactionModule],
})
export class DatabaseModule extends ConfigurableModuleClass {
  static forExisting() {
    return { module: AmbientTransactionModule, global: true };
  }
}
