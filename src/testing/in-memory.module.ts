import { Global, Module } from '@nestjs/common';
import { EmailChangeStore, RecoveryStore } from '../account';
import { AuditTrail } from '../audit';
import { SessionStore } from '../auth';
import { Transactions } from '../common';
import { Housekeeping, JobQueue, JobsOptions } from '../jobs';
import { LimitsOptions, RateLimiter } from '../limits';
import { LinksModule } from '../links';
import {
  DeliveryFeedback,
  DomainPace,
  MailBudget,
  MailboxPace,
  MailboxPaceStore,
  Mailer,
  MailOptions,
  MailEvents,
  MailRenderer,
  MailRoad,
  MailService,
  OutgoingMail,
} from '../mail';
import { PasswordResetStore, QuietPeriodStore } from '../password-reset';
import { RegistrationStore } from '../registration';
import { UserStore } from '../users';
import { InMemoryAuditTrail } from './in-memory-audit-trail';
import { InMemoryEmailChangeStore } from './in-memory-email-change-store';
import { InMemoryJobQueue } from './in-memory-job-queue';
import { InMemoryMailboxPaceStore } from './in-memory-mailbox-pace-store';
import { InMemoryQuietPeriodStore } from './in-memory-quiet-period-store';
import { InMemoryRateLimiter } from './in-memory-rate-limiter';
import { InMemoryPasswordResetStore, InMemorySessionStore, InMemoryUserStore } from './in-memory-stores';
import { InMemoryRecoveryStore } from './in-memory-recovery-store';
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
  exports: [InMemoryJobQueue, JobQueue, Housekeeping, JobsOptions],
})
export class InMemoryJobsModule {}

/** Takes the place of `MailModule`. */
@Global()
@Module({
  imports: [LinksModule],
  providers: [
    MailOptions,
    MailRenderer,
    RecordedOutbox,
    { provide: Mailer, useExisting: RecordedOutbox },
    MailBudget,
    DomainPace,
    MailRoad,
    MailEvents,
    OutgoingMail,
    MailService,
    DeliveryFeedback,
    { provide: MailboxPaceStore, useClass: InMemoryMailboxPaceStore },
    MailboxPace,
  ],
  exports: [
    RecordedOutbox,
    MailboxPace,
    DeliveryFeedback,
    Mailer,
    MailEvents,
    MailService,
    MailRenderer,
    MailRoad,
    MailOptions,
  ],
})
export class InMemoryMailModule {}

/** Takes the place of `LimitsModule`; `app.get(LimitsOptions).perMinute = 0` switches the limits of a source off. */
@Global()
@Module({
  providers: [LimitsOptions, { provide: RateLimiter, useClass: InMemoryRateLimiter }],
  exports: [RateLimiter, LimitsOptions],
})
export class InMemoryLimitsModule {}

/** All four of them, for a test without PostgreSQL and SMTP. */
@Module({ imports: [InMemoryDatabaseModule, InMemoryJobsModule, InMemoryMailModule, InMemoryLimitsModule] })
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
  account: [
    { provide: EmailChangeStore, useClass: InMemoryEmailChangeStore },
    { provide: RecoveryStore, useClass: InMemoryRecoveryStore },
  ],
};
