export { DatabaseClock } from './database-clock';
export { openDataSource } from './data-source';
export { DatabaseModule } from './database.module';
export { DatabaseOptions } from './database.options';
export { deleteInBatches } from './delete-in-batches';
export { openEmbeddedDatabase, type EmbeddedDatabase } from './embedded-database';
export { migrations as latchkeyMigrations } from './migrations';
export { TypeOrmTransactions } from './typeorm-transactions';
