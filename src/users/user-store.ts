import type { NewStoredUser, StoredUser, WithUser } from './user';

/**
 * Where accounts are kept. Default: {@link TypeOrmUserStore}. A host with a user table of its own overrides this one
 * class; `userStoreContract` in the testing kit checks the replacement. Registration by mail needs an
 * {@link UnverifiedUserStore}.
 */
export abstract class UserStore {
  abstract findById(id: string): Promise<StoredUser | undefined>;

  /** @param emailKey compared byte by byte, never folded or matched as a pattern */
  abstract findByEmailKey(emailKey: string): Promise<StoredUser | undefined>;

  /**
   * Reads a row of another store together with the user that it names, in one statement. Only for a store in the tables of
   * Latchkey.
   * @param text SQL that finds at most one row, with a column "userId"
   * @returns `undefined` in place of a promise where the users are elsewhere: they are then read after the row
   */
  findRowWithUser<Row extends { userId: string }>(
    _text: string,
    _values: unknown[],
  ): Promise<WithUser<Row, StoredUser> | undefined> | undefined {
    return undefined;
  }

  /** Reads a user and locks them until the current transaction ends. */
  abstract lock(id: string): Promise<StoredUser | undefined>;

  /**
   * @returns the user with the id that the store has given it
   * @throws EmailTakenError when another account has the same `emailKey`, also one made at the same moment
   */
  abstract insert(user: NewStoredUser): Promise<StoredUser>;

  /** Sets a new password: its hash, and a `credentialsVersion` one higher. */
  abstract setPassword(id: string, passwordHash: string): Promise<void>;

  /** Makes `credentialsVersion` one higher; the password stays. */
  abstract raiseCredentialsVersion(id: string): Promise<void>;

  /** Stores the same password under a better hash; does nothing if the password has been changed meanwhile. */
  abstract upgradeHash(id: string, oldHash: string, newHash: string): Promise<void>;

  /**
   * Changes the address of an account. Needed for changes of address only.
   * @throws EmailTakenError when another account has the same `emailKey`, also one that gets it at the same moment
   */
  setEmail(_id: string, _email: string, _emailKey: string): Promise<void> {
    throw new Error(`${this.constructor.name} has to implement setEmail() for changes of address.`);
  }

  /**
   * Sets when an account was disabled, or `null` to enable it again. Needed for `UsersService.disable` and `enable` only.
   */
  setDisabled(_id: string, _disabledAt: Date | null): Promise<void> {
    throw new Error(
      `${this.constructor.name} has to implement setDisabled() to disable and enable accounts.`,
    );
  }

  /** As {@link findByEmailKey}, of many keys at once. By default one after the other. */
  async findByEmailKeys(emailKeys: readonly string[]): Promise<StoredUser[]> {
    const users = [];
    for (const emailKey of emailKeys) users.push(await this.findByEmailKey(emailKey));
    return users.filter((user) => user !== undefined);
  }

  /**
   * As {@link lock}, of many users at once, without waiting: those that another transaction holds are left out. Since it
   * never waits, no two transactions can wait for each other because of it. By default it locks nobody, and each user is
   * locked when it is their turn.
   */
  lockFree(_ids: readonly string[]): Promise<StoredUser[]> {
    return Promise.resolve([]);
  }
}
