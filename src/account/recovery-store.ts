/**
 * Where it is kept when the password of an account was last set by a mailed link: for as long after it, a change of address
 * has to wait. Default: {@link TypeOrmRecoveryStore}.
 */
export abstract class RecoveryStore {
  /** @returns when the password of a user was last set by a reset */
  abstract lastOf(userId: string): Promise<Date | undefined>;

  /** Records a reset, in place of an earlier one. */
  abstract note(userId: string, at: Date): Promise<void>;

  /** Forgets those from before a moment. @returns how many */
  abstract deleteExpired(moment: Date): Promise<number>;
}
