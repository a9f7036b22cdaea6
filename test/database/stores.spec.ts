import { ModuleMetadata, Provider } from '@nestjs/common';
import { Test, TestingModule } from '@nestjs/testing';
import { TypeOrmModule } from '@nestjs/typeorm';
import { EmailChangeStore, RecoveryStore } from '../../src/account';
import { TypeOrmEmailChangeStore } from '../../src/account/typeorm-email-change-store';
import { TypeOrmRecoveryStore } from '../../src/account/typeorm-recovery-store';
import { AuditTrail } from '../../src/audit';
import { TypeOrmAuditTrail } from '../../src/audit/typeorm-audit-trail';
import { SessionStore } from '../../src/auth';
import { TypeOrmSessionStore } from '../../src/auth/typeorm-session-store';
import { CommonModule, Transactions } from '../../src/common';
import { DatabaseModule } from '../../src/database';
import { JobQueue, JobsModule } from '../../src/jobs';
import { MailboxPaceStore } from '../../src/mail';
import { TypeOrmMailboxPaceStore } from '../../src/mail/typeorm-mailbox-pace-store';
import { PasswordResetStore, QuietPeriodStore } from '../../src/password-reset';
import { TypeOrmPasswordResetStore } from '../../src/password-reset/typeorm-password-reset-store';
import { TypeOrmQuietPeriodStore } from '../../src/password-reset/typeorm-quiet-period-store';
import { RegistrationStore } from '../../src/registration';
import { TypeOrmRegistrationStore } from '../../src/registration/typeorm-registration-store';
import { latchkeyEntities } from '../../src/migrate';
import {
  auditTrailContract,
  contractQueue,
  disabledUsersContract,
  emailChangeStoreContract,
  InMemoryAuditTrail,
  InMemoryEmailChangeStore,
  InMemoryMailboxPaceStore,
  InMemoryModule,
  InMemoryPasswordResetStore,
  InMemoryQuietPeriodStore,
  InMemoryRecoveryStore,
  InMemoryRegistrationStore,
  InMemorySessionStore,
  inMemoryStores,
  InMemoryUserStore,
  jobQueueContract,
  mailboxPaceStoreContract,
  passwordHasherContract,
  passwordResetStoreContract,
  quietPeriodStoreContract,
  recoveryStoreContract,
  registrationStoreContract,
  sessionStoreContract,
  transactionsContract,
  unverifiedUsersContract,
  userEmailContract,
  userStoreContract,
} from '../../src/testing';
import { PasswordHasher, UnverifiedUserStore, UsersModule, UserStore } from '../../src/users';
import { TypeOrmUserStore } from '../../src/users/typeorm-user-store';

/** Jobs that fail on purpose would fill the screen. */
const SILENT = { log: () => undefined, warn: () => undefined, error: () => undefined };

const secretKey = 'k7Qm2Zt9Xw4Lr8Vb1Nc6Hd3Jf5Gs0Py-test';
const url = process.env['TEST_DATABASE_URL']!;

const TYPEORM_STORES: Provider[] = [
  { provide: UserStore, useClass: TypeOrmUserStore },
  { provide: SessionStore, useClass: TypeOrmSessionStore },
  { provide: PasswordResetStore, useClass: TypeOrmPasswordResetStore },
  { provide: QuietPeriodStore, useClass: TypeOrmQuietPeriodStore },
  { provide: RegistrationStore, useClass: TypeOrmRegistrationStore },
  { provide: EmailChangeStore, useClass: TypeOrmEmailChangeStore },
  { provide: RecoveryStore, useClass: TypeOrmRecoveryStore },
  { provide: AuditTrail, useClass: TypeOrmAuditTrail },
  { provide: MailboxPaceStore, useClass: TypeOrmMailboxPaceStore },
];

const IN_MEMORY_STORES: Provider[] = [
  { provide: UserStore, useClass: InMemoryUserStore },
  { provide: SessionStore, useClass: InMemorySessionStore },
  { provide: PasswordResetStore, useClass: InMemoryPasswordResetStore },
  { provide: QuietPeriodStore, useClass: InMemoryQuietPeriodStore },
  { provide: RegistrationStore, useClass: InMemoryRegistrationStore },
  { provide: EmailChangeStore, useClass: InMemoryEmailChangeStore },
  { provide: RecoveryStore, useClass: InMemoryRecoveryStore },
  { provide: AuditTrail, useClass: InMemoryAuditTrail },
  { provide: MailboxPaceStore, useClass: InMemoryMailboxPaceStore },
];

// What the fake promises and the real one does not keep (or the other way round) would make tests of hosts lie.
describe.each<[string, () => Pick<ModuleMetadata, 'imports' | 'providers'>]>([
  [
    'in memory',
    () => ({ imports: [CommonModule.forRoot({ secretKey }), InMemoryModule], providers: IN_MEMORY_STORES }),
  ],
  [
    'in PostgreSQL',
    () => ({
      imports: [
        DatabaseModule.forRoot({ url, entities: latchkeyEntities }),
        JobsModule.forRoot({ startDelayMs: 0 }),
      ],
      providers: TYPEORM_STORES,
    }),
  ],
  [
    'in PostgreSQL, through a data source of the host',
    () => ({
      imports: [
        TypeOrmModule.forRoot({ type: 'postgres', url, entities: latchkeyEntities }),
        DatabaseModule.forExisting(),
        JobsModule.forRoot({ startDelayMs: 0 }),
      ],
      providers: TYPEORM_STORES,
    }),
  ],
])('%s', (_, backend) => {
  let module: TestingModule;
  let handlers: Parameters<Parameters<typeof jobQueueContract>[2]>;

  beforeAll(async () => {
    module = await Test.createTestingModule(backend()).setLogger(SILENT).compile();
    module.get(JobQueue).work(
      contractQueue,
      (job) => handlers[0](job),
      async (job) => handlers[1]?.(job),
    );
    await module.init();
  });
  afterAll(() => module.close());

  const the =
    <T>(port: abstract new (...parameters: never) => T) =>
    () =>
      module.get<T>(port);

  describe('transactions', () => transactionsContract(the(Transactions), the(UserStore)));
  describe('users', () => userStoreContract(the(UserStore), the(Transactions)));
  describe('users whose address changes', () => userEmailContract(the(UserStore), the(Transactions)));
  describe('unverified users', () =>
    unverifiedUsersContract(() => module.get<UnverifiedUserStore>(UserStore)));
  describe('users who are disabled', () => disabledUsersContract(the(UserStore)));
  describe('registrations', () => registrationStoreContract(the(RegistrationStore), the(Transactions)));
  describe('sessions', () => sessionStoreContract(the(SessionStore)));
  describe('resets', () => passwordResetStoreContract(the(PasswordResetStore), the(Transactions)));
  describe('quiet periods', () => quietPeriodStoreContract(the(QuietPeriodStore), the(Transactions)));
  describe('changes of address', () => emailChangeStoreContract(the(EmailChangeStore), the(Transactions)));
  describe('recoveries', () => recoveryStoreContract(the(RecoveryStore), the(Transactions)));
  describe('paces of mailboxes', () => mailboxPaceStoreContract(the(MailboxPaceStore), the(Transactions)));
  describe('events', () => auditTrailContract(the(AuditTrail), the(Transactions)));
  describe('jobs', () =>
    jobQueueContract(the(JobQueue), the(Transactions), (...newHandlers) => (handlers = newHandlers)));
});

describe('password hashes', () => {
  let module: TestingModule;

  beforeAll(async () => {
    const users = UsersModule.forRoot({
      bcryptCost: 4,
      pepper: 'pepper-9Xw4Lr8Vb1Nc6Hd3Jf5Gs0Pyk7',
      overrides: inMemoryStores.users,
    });
    module = await Test.createTestingModule({
      imports: [InMemoryModule, CommonModule.forRoot({ secretKey }), users],
    }).compile();
  });
  afterAll(() => module.close());

  passwordHasherContract(() => module.get(PasswordHasher, { strict: false }));
});
