import { Global, Module } from '@nestjs/common';
import { EmailChangeStore } from '../account';
import { AuditTrail } from '../audit';
import { SessionStore } from '../auth';
import { Transactions } from '../common';
import { Housekeeping, JobQueue, JobsOptions } from '../jobs';
import { FlexibleRateLimiter, LimitsOptions, MemoryCounters, RateLimiter } from '../limits';
import {
  DeliveryFeedback,
  MailBudget,
  Mailer,
  MailOptions,
  MailQueue,
  MailRenderer,
  OutgoingMail,
} from '../mail';
import { PasswordResetStore, QuietPeriodStore } from '../password-reset';
import { RegistrationStore } from '../registration';
import { UserStore } from '../users';
import { InMemoryAuditTrail } from './in-memory-audit-trail';
import { InMemoryEmailChangeStore } from './in-memory-email-change-store';
import { InMemoryJobQueue } from './in-memory-job-queue';
import { InMemoryQuietPeriodStore } from './in-memory-quiet-period-store';
import { InMemoryPasswordResetStore, InMemorySessionStore, InMemoryUserStore } from './in-memory-stores';
import { InMemoryRegistrationStore } from './in-memory-registration-store';
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
  providers: [
    MailOptions,
    MailRenderer,
    RecordedOutbox,
    { provide: Mailer, useExisting: RecordedOutbox },
    MailBudget,
    OutgoingMail,
    MailQueue,
    DeliveryFeedback,
  ],
  exports: [RecordedOutbox, DeliveryFeedback, Mailer, OutgoingMail, MailQueue, MailRenderer, MailOptions],
})
export class InMemoryMailModule {}

/** Takes the place of `LimitsModule`. Not part of {@link InMemoryModule}: without it nothing is limited. */
@Global()
@Module({
  providers: [
    LimitsOptions,
    { provide: RateLimiter, useFactory: () => new FlexibleRateLimiter(new MemoryCounters()) },
  ],
  exports: [RateLimiter, LimitsOptions],
})
export class InMemoryLimitsModule {}

/** All three of them, for a test without PostgreSQL and SMTP. */
@Module({ imports: [InMemoryDatabaseModule, InMemoryJobsModule, InMemoryMailModule] })
export class InMemoryModule {}

/** The `overrides` of the modules that keep something, beside these. */
export const inMemoryStores = {
  audit: [{ provide: AuditTrail, useClass: InMemoryAuditTrail }],
  users: [{ provide: UserStore, useClass: InMemoryUserStore }],
  auth: [{ provide: SessionStore, useClass: InMemorySessionStore }],
  passwordReset: [
    { provide: PasswordResetStore, useClass: InMemoryPasswordResetStore },
    { provide: QuietPeriodStore, useClass: InMemoryQuietPeriodStore },
  ],
  registration: [{ provide: RegistrationStore, useClass: InMemoryRegistrationStore }],
  account: [{ provide: EmailChangeStore, useClass: InMemoryEmailChangeStore }],
};
