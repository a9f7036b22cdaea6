/** One attempt to register. Its link is signed with a key that is not in the database, so there is no secret here. */
export interface Registration {
  id: string;
  /** As it was typed. The link goes to exactly this; a notice goes to the address of the account. */
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

  /** A mail about an attempt goes out. @param userId the account that the link in it confirms; `null` without a link */
  abstract markMailed(id: string, mailedAt: Date, userId: string | null): Promise<void>;

  /**
   * Spends an attempt, once, and wipes its password: of any number of parallel calls exactly one returns `true`.
   * @returns `false` when it is used, discarded, or was never there
   */
  abstract spend(id: string, at: Date): Promise<boolean>;

  /** Discards one attempt, by wiping its password: its link is dead. */
  abstract discard(id: string): Promise<void>;

  /** Discards every attempt whose link would confirm an account. */
  abstract discardAllOf(userId: string): Promise<void>;

  /** Removes attempts that were made before a moment. @returns how many */
  abstract deleteExpired(before: Date): Promise<number>;

  /** As {@link findById}, of many attempts at once. By default one after the other. */
  async findByIds(ids: readonly string[]): Promise<Registration[]> {
    const found = [];
    for (const id of ids) found.push(await this.findById(id));
    return found.filter((registration) => registration !== undefined);
  }

  /**
   * As {@link discard}, of those of many attempts about which no mail has gone out and that nobody else is changing now; it
   * waits for nobody. By default of none: each is answered by itself then.
   * @returns the ids of those that were not discarded before
   */
  discardUnmailed(_ids: readonly string[]): Promise<string[]> {
    return Promise.resolve([]);
  }
}
