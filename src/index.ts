/** What a host application may import, name by name. Everything else may change without notice. */
export {
  AccountModule,
  EmailChangeService,
  EmailChangeStore,
  PasswordChangeService,
  RecoveryStore,
} from './account';
export { AuditModule, AuditTrail } from './audit';
export { AuthGuard, AuthModule, AuthService, type Session, SessionStore } from './auth';
export {
  ApiError,
  Clock,
  CommonModule,
  type OptionsInput,
  parseEmailAddress,
  type RecordedSecurityEvent,
  type RequestSource,
  SecurityEvents,
  Transactions,
} from './common';
export { DatabaseClock, DatabaseModule, latchkeyMigrations, TypeOrmTransactions } from './database';
export { type Authenticated, CurrentAuthentication, IS_PUBLIC, Public } from './http';
export {
  type EnqueueOptions,
  type JobHandler,
  JobQueue,
  JobsModule,
  type JobTriage,
  type QueueDefinition,
  retryDelay,
  RetryLaterError,
} from './jobs';
export { LimitsModule, LimitsOptions, RateLimiter } from './limits';
export {
  DeliveryFeedback,
  type DeliveryReport,
  type Mail,
  Mailbox,
  MailboxModule,
  MailboxPaceStore,
  Mailer,
  MailModule,
  MailOptions,
  MailOutageError,
  MailRefusedError,
  MailRenderer,
} from './mail';
export { latchkeyEntities, migrate } from './migrate';
export {
  type PasswordReset,
  PasswordResetHooks,
  PasswordResetModule,
  PasswordResetOptions,
  PasswordResetService,
  PasswordResetStore,
  QuietPeriodStore,
  type SuppressionReason,
} from './password-reset';
export { RegistrationModule, RegistrationService, RegistrationStore } from './registration';
export {
  EmailTakenError,
  lowerThreadPoolPriority,
  type NewStoredUser,
  type NewUser,
  PasswordHasher,
  PasswordPolicy,
  type PasswordProblem,
  type StoredUser,
  UnverifiedUserStore,
  type User,
  UsersModule,
  UsersOptions,
  UsersService,
  UserStore,
} from './users';
