/** For the tests of applications that use this package. */
export { InMemoryJobQueue } from './in-memory-job-queue';
export { InMemoryPasswordResetStore, InMemorySessionStore, InMemoryUserStore } from './in-memory-stores';
export { InMemoryTransactions } from './in-memory-transactions';
export {
  InMemoryDatabaseModule,
  InMemoryJobsModule,
  InMemoryMailModule,
  InMemoryModule,
  inMemoryStores,
} from './in-memory.module';
export { contractQueue, jobQueueContract } from './job-queue.contract';
export { MovableClock } from './movable-clock';
export { passwordHasherContract } from './password-hasher.contract';
export { passwordResetStoreContract } from './password-reset-store.contract';
export { RecordedOutbox } from './recorded-outbox';
export { sessionStoreContract } from './session-store.contract';
export { transactionsContract } from './transactions.contract';
export { exampleUser, userStoreContract } from './user-store.contract';
