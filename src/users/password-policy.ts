import type { User } from './user';

/** Why a password is refused. */
export type PasswordReason =
  'too_short' | 'too_long' | 'common' | 'breached' | 'contains_account' | 'unchanged';

export interface PasswordProblem {
  reason: PasswordReason;
  /** What is wrong and what to do, in English, for programs; pages translate the reason. */
  message: string;
}

/** Decides which passwords are good enough, on every route that sets one. Default: {@link DefaultPasswordPolicy}. */
export abstract class PasswordPolicy {
  /** @returns everything that is wrong with the password; empty when it is good */
  abstract check(password: string, account: Pick<User, 'email' | 'username'>): Promise<PasswordProblem[]>;
}
