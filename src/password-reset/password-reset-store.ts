/** One mailed link. There is no secret in it: the link is signed with a key that is not in the database. */
export interface PasswordReset {
  id: string;
  userId: string;
  createdAt: Date;
  /** After it the link is dead; set anew when the mail server takes the mail over. */
  expiresAt: Date;
  mailedAt: Date | null;
  usedAt: Date | null;
  /** When it died unused: by the use of another link, or by any other change of the password. */
  revokedAt: Date | null;
  /** When the owner of the account said that neither the ask nor a use of the link was theirs. */
  disavowedAt: Date | null;
}

/** Where links are kept. Default: {@link TypeOrmPasswordResetStore}. */
export abstract class PasswordResetStore {
  abstract insert(reset: PasswordReset): Promise<void>;

  abstract findById(id: string): Promise<PasswordReset | undefined>;

  /** @returns when the links of a user were made, those after `since`, latest first */
  abstract createdSince(userId: string, since: Date): Promise<Date[]>;

  /** @returns whether a link of a user was used after a moment */
  abstract isUsedAfter(userId: string, moment: Date): Promise<boolean>;

  /**
   * Sets a new end of life, and when the mail was handed over, of a link whose mail has not been.
   * @returns `false` where it has been: a worker that was thought dead, and comes back, changes nothing
   */
  abstract prolong(id: string, expiresAt: Date, mailedAt: Date | null): Promise<boolean>;

  /**
   * Spends a link, once: of any number of parallel calls exactly one returns `true`.
   * @returns `false` when it is used, revoked, expired at `at`, or was never there
   */
  abstract spend(id: string, at: Date): Promise<boolean>;

  /** Revokes every link of a user that has not been used. */
  abstract revokeAllOf(userId: string, at: Date): Promise<void>;

  /**
   * Notes that a reset is disavowed, in whatever state its link is: of any number of parallel calls exactly one returns
   * `true`.
   */
  abstract disavow(id: string, at: Date): Promise<boolean>;

  /** Removes those that expired before a moment. @returns how many */
  abstract deleteExpired(before: Date): Promise<number>;
}
