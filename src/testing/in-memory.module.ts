import { Global, Module } from '@nestjs/common';
import { SessionStore } from '../auth';
import { Transactions } from '../common';
import { JobQueue } from '../jobs';
import { Mailer, MailQueue } from '../mail';
import { PasswordResetStore } from '../password-reset';
import { UserStore } from '../users';
import { InMemoryJobQueue } from './in-memory-job-queue';
import { InMemoryPasswordResetStore, InMemorySessionStore, InMemoryUserStore } from './in-memory-stores';
import { InMemoryTransactions } from './in-memory-transactions';
import { RecordedOutbox } from './recorded-outbox';

/** Takes the place of `DatabaseModule`, `JobsModule` and `MailModule` in a test without PostgreSQL and SMTP. */
@Global()
@Module({
  providers: [
    InMemoryTransactions,
    { provide: Transactions, useExisting: InMemoryTransactions },
    InMemoryJobQueue,
    { provide: JobQueue, useExisting: InMemoryJobQueue },
    RecordedOutbox,
    { provide: Mailer, useExisting: RecordedOutbox },
    MailQueue,
  ],
  exports: [
    InMemoryTransactions,
    Transactions,
    InMemoryJobQueue,
    JobQueue,
    RecordedOutbox,
    Mailer,
    MailQueue,
  ],
})
export class InMemoryModule {}

/** The `overrides` of the modules that keep something, beside {@link InMemoryModule}. */
export const inMemoryStores = {
  users: [{ provide: UserStore, useClass: InMemoryUserStore }],
  auth: [{ provide: SessionStore, useClass: InMemorySessionStore }],
  passwordReset: [{ provide: PasswordResetStore, useClass: InMemoryPasswordResetStore }],
};
