import { EmailChangeEntity, emailChangeQueue } from './account';
import { AuditEventEntity } from './audit';
import { openDataSource } from './database';
import { installJobQueues } from './jobs';
import { mailQueue } from './mail';
import { passwordResetQueue } from './password-reset';
import { SessionEntity } from './auth';
import { PasswordResetEntity, QuietPeriodEntity } from './password-reset';
import { RegistrationEntity, registrationQueue } from './registration';
import { UserEntity } from './users';

/** The classes of our tables, for the data source of a host. */
export const latchkeyEntities = [
  UserEntity,
  SessionEntity,
  PasswordResetEntity,
  QuietPeriodEntity,
  AuditEventEntity,
  EmailChangeEntity,
  RegistrationEntity,
];

/** The kinds of jobs we know. */
export const latchkeyQueues = [passwordResetQueue, mailQueue, emailChangeQueue, registrationQueue];

/** Any number that other programs on the same database are unlikely to lock. */
const MIGRATION_LOCK = 5_247_263_190;

const MIGRATION_LOCK_TIMEOUT_MS = 5_000;

/**
 * Brings tables and queues up to date. Safe to run again at any time.
 * @returns names of the migrations that were run
 */
export async function migrate(databaseUrl: string): Promise<string[]> {
  const dataSource = await openDataSource({
    url: databaseUrl,
    poolSize: 1,
    statementTimeoutMs: 0,
    lockTimeoutMs: 0,
  });
  try {
    // Of several machines that start at once, one migrates and the others wait. It ends with this only connection.
    await dataSource.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
    // Who waits for a table keeps everybody waiting who comes later: rather fail, and be run again.
    await dataSource.query(`SET lock_timeout = '${MIGRATION_LOCK_TIMEOUT_MS}ms'`);
    const done = await dataSource.runMigrations({ transaction: 'each' });
    await installJobQueues(dataSource.manager, latchkeyQueues);
    return done.map(({ name }) => name);
  } finally {
    await dataSource.destroy();
  }
}
