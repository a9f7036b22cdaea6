/** One attempt to register. There is no secret of its link in it: that is signed with a key outside the database. */
export interface Registration {
  id: string;
  /** As it was typed. Mail goes to the address of the account, never to this. */
  email: string;
  emailKey: string;
  username: string;
  locale: string | null;
  /** Of the password that was typed; `null` once it has been used, or never will be. */
  passwordHash: string | null;
  /** The account that the link confirms; `null` while no link has been mailed. */
  userId: string | null;
  createdAt: Date;
  mailedAt: Date | null;
  usedAt: Date | null;
}

/** Where attempts to register are kept. Default: {@link TypeOrmRegistrationStore}. */
export abstract class RegistrationStore {
  abstract insert(registration: Registration): Promise<void>;

  abstract findById(id: string): Promise<Registration | undefined>;

  /**
   * @param emailKey compared byte by byte, never folded or matched as a pattern
   * @returns when mails about attempts with an address were sent, those after `since`, latest first
   */
  abstract mailedSince(emailKey: string, since: Date): Promise<Date[]>;

  /** A mail about an attempt goes out. @param userId the account that the link in it confirms; `null` without a link */
  abstract markMailed(id: string, mailedAt: Date, userId: string | null): Promise<void>;

  /**
   * Spends an attempt, once, and wipes its password: of any number of parallel calls exactly one returns `true`.
   * @returns `false` when it is used, discarded, or was never there
   */
  abstract spend(id: string, at: Date): Promise<boolean>;

  /** Makes one attempt void: wipes its password. */
  abstract discard(id: string): Promise<void>;

  /** Makes every attempt void whose link would confirm an account. */
  abstract discardAllOf(userId: string): Promise<void>;

  /** Removes attempts that were made before a moment. @returns how many */
  abstract deleteCreatedBefore(before: Date): Promise<number>;
}
