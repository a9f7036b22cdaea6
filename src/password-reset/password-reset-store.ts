import type { UsersService, WithUser } from '../users';

/** One mailed link. It is signed with a key that is not in the database, so there is no secret here. */
export interface PasswordReset {
  id: string;
  userId: string;
  /** Digest of the address that its mails go to. Where a store does not keep it, nobody can tell when that has moved. */
  emailDigest?: string | null;
  /** Where the link was mailed to a former address of the account: the change of address that using it undoes. */
  undoneChangeId?: string | null;
  createdAt: Date;
  /** When the link ends. Set when it is signed: at the first try of its mail, and again at each retry. */
  expiresAt: Date;
  /** When the mail server took the mail over. */
  mailedAt: Date | null;
  usedAt: Date | null;
  /** When it died unused: by the use of another link, or by any other change of the password. */
  revokedAt: Date | null;
  /** When the owner of the account said that neither the request nor a use of the link was theirs. */
  disavowedAt: Date | null;
  /**
   * Since when it no longer counts for the pace of mails: its mail will never arrive, or the owner has signed in since. The
   * link stays good.
   */
  discountedAt: Date | null;
}

/** Where links are kept. Default: {@link TypeOrmPasswordResetStore}. */
export abstract class PasswordResetStore {
  abstract insert(reset: PasswordReset): Promise<void>;

  abstract findById(id: string): Promise<PasswordReset | undefined>;

  /** Finds a link and its user: one after the other, where a store cannot do it in one statement. */
  async findWithUser(id: string, users: UsersService): Promise<WithUser<PasswordReset> | undefined> {
    const reset = await this.findById(id);
    return reset && { ...reset, user: await users.findById(reset.userId) };
  }

  /** @returns the links of a user made after `since` that are neither used nor revoked, latest first */
  abstract openSince(userId: string, since: Date): Promise<PasswordReset[]>;

  /** @returns whether a link of a user was used after a moment */
  abstract isUsedAfter(userId: string, moment: Date): Promise<boolean>;

  /**
   * Sets the end of a link that is signed again, for a retry of its mail.
   * @returns `false` when its mail has been handed over, or the link was used or revoked
   */
  abstract renew(id: string, expiresAt: Date): Promise<boolean>;

  /** Records that the mail was handed over, once: of any number of parallel calls exactly one returns `true`. */
  abstract markMailed(id: string, at: Date): Promise<boolean>;

  /**
   * Spends a link, once: of any number of parallel calls exactly one returns `true`.
   * @returns `false` when it is used, revoked, expired at `at`, or was never there
   */
  abstract spend(id: string, at: Date): Promise<boolean>;

  /**
   * Revokes every link of a user that has not been used, but those that undo a change of address: these are the way back of
   * an owner whose account somebody else is changing.
   */
  abstract revokeAllOf(userId: string, at: Date): Promise<void>;

  /**
   * Records that a reset is disavowed, in whatever state its link is: of any number of parallel calls exactly one returns
   * `true`.
   */
  abstract disavow(id: string, at: Date): Promise<boolean>;

  /**
   * Records that every reset of a user is disavowed, so that no link "this was not me" of theirs does anything. Needed to
   * disable accounts.
   */
  disavowAllOf(_userId: string, _at: Date): Promise<void> {
    throw new Error(
      `${this.constructor.name} has to implement disavowAllOf() to disable and enable accounts.`,
    );
  }

  /** Sets `discountedAt` of a link that has none yet. */
  abstract discount(id: string, at: Date): Promise<void>;

  /**
   * As {@link discount}, of every link of a user that is neither used nor revoked, but those that undo a change of address:
   * a sign-in at the new address says nothing about the former one. At each sign-in, so keep it cheap.
   */
  abstract discountAllOf(userId: string, at: Date): Promise<void>;

  /** Removes those that expired before a moment. @returns how many */
  abstract deleteExpired(before: Date): Promise<number>;

  /** As {@link openSince}, of many users at once. By default one after the other. */
  async openOfAllSince(userIds: readonly string[], since: Date): Promise<PasswordReset[]> {
    const open: PasswordReset[] = [];
    for (const userId of userIds) open.push(...(await this.openSince(userId, since)));
    return open;
  }

  /**
   * Inserts those whose ids are not there yet. By default one after the other.
   * @returns the ids that were inserted
   */
  async insertAll(resets: readonly PasswordReset[]): Promise<string[]> {
    const fresh: PasswordReset[] = [];
    for (const reset of resets) if (!(await this.findById(reset.id))) fresh.push(reset);
    for (const reset of fresh) await this.insert(reset);
    return fresh.map(({ id }) => id);
  }

  /**
   * As {@link markMailed}, of many links at once. By default one after the other.
   * @returns the ids for which it would return `true`
   */
  async markAllMailed(ids: readonly string[], at: Date): Promise<string[]> {
    const marked = [];
    for (const id of ids) if (await this.markMailed(id, at)) marked.push(id);
    return marked;
  }
}
