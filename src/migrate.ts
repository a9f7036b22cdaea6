import { EmailChangeEntity, RecoveryEntity } from './account';
import { AuditEventEntity } from './audit';
import { MigrationWait, openDataSource, withMigrationLease } from './database';
import { PasswordResetEntity, QuietPeriodEntity } from './password-reset';
import { SessionEntity } from './auth';
import { RegistrationEntity } from './registration';
import { UserEntity } from './users';

/** The entities of our tables, for the data source of a host. */
export const latchkeyEntities = [
  UserEntity,
  SessionEntity,
  PasswordResetEntity,
  QuietPeriodEntity,
  AuditEventEntity,
  EmailChangeEntity,
  RecoveryEntity,
  RegistrationEntity,
];

/** A statement that waits for a table blocks everybody who comes after it: better to fail and be run again. */
const LOCK_TIMEOUT_MS = 5_000;

/**
 * Brings the tables up to date. Safe to run again at any time; of several machines that do it at once, one works and
 * the others wait.
 *
 * @param wait how long to wait for another machine, 10 minutes by default, and what to call when there is one
 * @returns names of the migrations that were run
 * @throws Error where another machine is still at work when the time is over
 */
export async function migrate(databaseUrl: string, wait: Partial<MigrationWait> = {}): Promise<string[]> {
  const dataSource = await openDataSource({
    url: databaseUrl,
    // One works, the other renews the lease.
    poolSize: 2,
    statementTimeoutMs: 0,
    lockTimeoutMs: LOCK_TIMEOUT_MS,
  });
  try {
    return await withMigrationLease(
      dataSource,
      { waitSeconds: 600, onWait: () => undefined, ...wait },
      async () => {
        const done = await dataSource.runMigrations({ transaction: 'each' });
        return done.map(({ name }) => name);
      },
    );
  } finally {
    await dataSource.destroy();
  }
}
