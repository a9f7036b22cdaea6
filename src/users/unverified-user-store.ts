import type { Profile } from './user';
import { UserStore } from './user-store';

/**
 * A {@link UserStore} that also keeps accounts whose address nobody has proven yet: it stores `unverifiedSince`. Registration
 * by mail needs one; `unverifiedUsersContract` in the testing kit checks what it promises.
 */
export abstract class UnverifiedUserStore extends UserStore {
  /**
   * The address of an account is proven: `unverifiedSince` becomes `null`.
   * @param profile replaces the name, the language and the spelling of the address, which a stranger may have typed
   */
  abstract markEmailVerified(id: string, profile?: Partial<Profile>): Promise<void>;

  /** Sets `unverifiedSince` to a later moment, if the account is still unverified. */
  abstract renewUnverified(id: string, since: Date): Promise<void>;

  /** Deletes accounts that have been unverified since before a moment. @returns how many */
  abstract deleteUnverified(before: Date): Promise<number>;

  /** Deletes the unverified account with a key, if there is one, also one whose key is taken at the same moment. */
  abstract deleteUnverifiedOf(emailKey: string): Promise<void>;
}
