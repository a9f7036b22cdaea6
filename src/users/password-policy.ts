import type { User } from './user';

/** Why a password is refused. */
export type PasswordReason =
  'too_short' | 'too_long' | 'common' | 'breached' | 'contains_account' | 'unchanged' | 'ended';

export interface PasswordProblem {
  reason: PasswordReason;
  /** What is wrong and what to do, in English, for programs; pages translate the reason. */
  message: string;
}

/** Decides which passwords are accepted, wherever one is set. Default: {@link DefaultPasswordPolicy}. */
export abstract class PasswordPolicy {
  /** @returns what is wrong with the password; empty if it is accepted */
  abstract check(password: string, account: Pick<User, 'email' | 'username'>): Promise<PasswordProblem[]>;
}
