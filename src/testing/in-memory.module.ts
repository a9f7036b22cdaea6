import { Global, Module } from '@nestjs/common';
import { SessionStore } from '../auth';
import { Transactions } from '../common';
import { Housekeeping, JobQueue, JobsOptions } from '../jobs';
import { Mailer, MailQueue, OutgoingMail } from '../mail';
import { PasswordResetStore } from '../password-reset';
import { UserStore } from '../users';
import { InMemoryJobQueue } from './in-memory-job-queue';
import { InMemoryPasswordResetStore, InMemorySessionStore, InMemoryUserStore } from './in-memory-stores';
import { InMemoryTransactions } from './in-memory-transactions';
import { RecordedOutbox } from './recorded-outbox';

/** Takes the place of `DatabaseModule`. */
@Global()
@Module({
  providers: [InMemoryTransactions, { provide: Transactions, useExisting: InMemoryTransactions }],
  exports: [InMemoryTransactions, Transactions],
})
export class InMemoryDatabaseModule {}

/** Takes the place of `JobsModule`. */
@Global()
@Module({
  providers: [
    InMemoryJobQueue,
    { provide: JobQueue, useExisting: InMemoryJobQueue },
    JobsOptions,
    Housekeeping,
  ],
  exports: [InMemoryJobQueue, JobQueue, Housekeeping],
})
export class InMemoryJobsModule {}

/** Takes the place of `MailModule`. */
@Global()
@Module({
  providers: [RecordedOutbox, { provide: Mailer, useExisting: RecordedOutbox }, OutgoingMail, MailQueue],
  exports: [RecordedOutbox, Mailer, OutgoingMail, MailQueue],
})
export class InMemoryMailModule {}

/** All three of them, for a test without PostgreSQL and SMTP. */
@Module({ imports: [InMemoryDatabaseModule, InMemoryJobsModule, InMemoryMailModule] })
export class InMemoryModule {}

/** The `overrides` of the modules that keep something, beside these. */
export const inMemoryStores = {
  users: [{ provide: UserStore, useClass: InMemoryUserStore }],
  auth: [{ provide: SessionStore, useClass: InMemorySessionStore }],
  passwordReset: [{ provide: PasswordResetStore, useClass: InMemoryPasswordResetStore }],
};
