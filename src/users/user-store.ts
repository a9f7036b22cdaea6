import type { NewStoredUser, StoredUser, User } from './user';

/** There is already an account with this address. */
export class EmailTakenError extends Error {
  override readonly name = 'EmailTakenError';
}

/**
 * Where accounts are kept. Default: {@link TypeOrmUserStore}. A host with a user table of its own overrides this one
 * class; `userStoreContract` in the testing kit tells whether the replacement keeps the promises.
 */
export abstract class UserStore {
  abstract findById(id: string): Promise<StoredUser | undefined>;

  /** @param emailKey compared byte by byte, never folded or matched as a pattern */
  abstract findByEmailKey(emailKey: string): Promise<StoredUser | undefined>;

  /** Reads a user and keeps everybody else from changing them until the transaction under way ends. */
  abstract lock(id: string): Promise<StoredUser | undefined>;

  /**
   * @returns the user with the id that the store has given it
   * @throws EmailTakenError when another account has the same `emailKey`, also one made at the same moment
   */
  abstract insert(user: NewStoredUser): Promise<StoredUser>;

  /** Sets a new password: hash and a `credentialsVersion` one higher. */
  abstract setPassword(id: string, passwordHash: string): Promise<void>;

  /** Stores the same password under a better hash; does nothing when the password has been changed meanwhile. */
  abstract upgradeHash(id: string, oldHash: string, newHash: string): Promise<void>;

  /**
   * Changes the address of an account. Needed for changes of address only.
   * @throws EmailTakenError when another account has the same `emailKey`, also one that gets it at the same moment
   */
  setEmail(_id: string, _email: string, _emailKey: string): Promise<void> {
    throw new Error(`${this.constructor.name} has to implement setEmail() for changes of address.`);
  }

  /**
   * The address of an account is proven: `unverifiedSince` becomes `null`. Needed, like the next, only where `insert` is
   * given users with `unverifiedSince`: for registration by mail.
   * @param profile what the person who has proven it calls themselves
   */
  verify(_id: string, _profile: Partial<Pick<User, 'username' | 'locale'>> = {}): Promise<void> {
    return Promise.resolve();
  }

  /** Sets `unverifiedSince` anew, of an account that is still unverified. */
  renewUnverified(_id: string, _since: Date): Promise<void> {
    return Promise.resolve();
  }

  /** Removes accounts that have been unverified since before a moment. @returns how many */
  deleteUnverified(_before: Date): Promise<number> {
    return Promise.resolve(0);
  }

  /** Removes the unverified account with a key, if there is one, also where its key is taken at the same moment. */
  deleteUnverifiedOf(_emailKey: string): Promise<void> {
    return Promise.resolve();
  }
}
