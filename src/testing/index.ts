/** For the tests of applications that use this package. */
export { auditTrailContract } from './audit-trail.contract';
export { InMemoryAuditTrail } from './in-memory-audit-trail';
export { disabledUsersContract } from './disabled-users.contract';
export { emailChangeStoreContract } from './email-change-store.contract';
export { InMemoryEmailChangeStore } from './in-memory-email-change-store';
export { InMemoryJobQueue } from './in-memory-job-queue';
export { InMemoryMailboxPaceStore } from './in-memory-mailbox-pace-store';
export { InMemoryPasswordResetStore, InMemorySessionStore, InMemoryUserStore } from './in-memory-stores';
export { InMemoryQuietPeriodStore } from './in-memory-quiet-period-store';
export { InMemoryRecoveryStore } from './in-memory-recovery-store';
export { InMemoryRegistrationStore } from './in-memory-registration-store';
export { InMemoryTransactions } from './in-memory-transactions';
export {
  InMemoryDatabaseModule,
  InMemoryJobsModule,
  InMemoryLimitsModule,
  InMemoryMailModule,
  InMemoryModule,
  inMemoryStores,
} from './in-memory.module';
export { contractQueue, jobQueueContract } from './job-queue.contract';
export { mailboxPaceStoreContract } from './mailbox-pace-store.contract';
export { MovableClock } from './movable-clock';
export { passwordHasherContract } from './password-hasher.contract';
export { passwordResetStoreContract } from './password-reset-store.contract';
export { rateLimiterContract } from './rate-limiter.contract';
export { quietPeriodStoreContract } from './quiet-period-store.contract';
export { RecordedOutbox } from './recorded-outbox';
export { recoveryStoreContract } from './recovery-store.contract';
export { registrationStoreContract } from './registration-store.contract';
export { sessionStoreContract } from './session-store.contract';
export { transactionsContract } from './transactions.contract';
export { userEmailContract } from './user-email.contract';
export { unverifiedUsersContract } from './unverified-users.contract';
export { exampleUser, userStoreContract } from './user-store.contract';
