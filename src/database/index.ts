export { columnsOf, selectionOf } from './columns';
export { DatabaseClock } from './database-clock';
export { openDataSource } from './data-source';
export { DatabaseModule } from './database.module';
export { DatabaseOptions } from './database.options';
export { deleteInBatches, inBatches } from './delete-in-batches';
export { type MigrationWait, withMigrationLease } from './migration-lease';
export { migrations as latchkeyMigrations } from './migrations';
export { TypeOrmTransactions } from './typeorm-transactions';
