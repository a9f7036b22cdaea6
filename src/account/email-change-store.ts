/** A requested change of address. Its links are signed when they are mailed, so there is no secret here. */
export interface EmailChange {
  id: string;
  userId: string;
  /** The new address, as it was given; the link that confirms goes to exactly this. */
  email: string;
  /** By this it is compared; see `parseEmailAddress`. */
  emailKey: string;
  /** Digest of the address that the account had then: the links that stop the change go there. `null` in old rows. */
  fromDigest: string | null;
  /** The address that the account had then, as it had it; what undoing the change restores. `null` in old rows. */
  previousEmail: string | null;
  createdAt: Date;
  /** When the mail to the new address was queued. */
  mailedAt: Date | null;
  /** Of a change that the new address has confirmed and that has to wait: when the address of the account changes. */
  effectiveAt: Date | null;
  /** When the address of the account changed. */
  confirmedAt: Date | null;
  /** When it was stopped: from the old address, by a later change, or by any other change of the credentials. */
  cancelledAt: Date | null;
  /** When the link that stops it was first used, in whatever state the change was. */
  stoppedAt: Date | null;
  /** When the former address took the account back. */
  undoneAt: Date | null;
}

/** Where changes of address are kept. Pending ones are neither confirmed nor canceled. Default: {@link TypeOrmEmailChangeStore}. */
export abstract class EmailChangeStore {
  abstract insert(change: EmailChange): Promise<void>;

  abstract findById(id: string): Promise<EmailChange | undefined>;

  /** @returns how many changes of an account were requested after `since` */
  abstract countOf(userId: string, since: Date): Promise<number>;

  /** Marks a pending change as mailed, once: of any number of parallel calls exactly one returns `true`. */
  abstract markMailed(id: string, at: Date): Promise<boolean>;

  /** Lets a pending change take effect later, once: of any number of parallel calls exactly one returns `true`. */
  abstract hold(id: string, effectiveAt: Date): Promise<boolean>;

  /** @returns ids of pending changes that were to take effect by a moment, the earliest first */
  abstract findDue(at: Date, limit: number): Promise<string[]>;

  /** Confirms a pending change, once: of any number of parallel calls of this and {@link cancel} exactly one returns `true`. */
  abstract confirm(id: string, at: Date): Promise<boolean>;

  /** Cancels a pending change; as {@link confirm}. */
  abstract cancel(id: string, at: Date): Promise<boolean>;

  /** Cancels every pending change of an account, those that wait to take effect too. @returns how many */
  abstract cancelAllOf(userId: string, at: Date): Promise<number>;

  /** Records that the link that stops a change was used: of any number of parallel calls exactly one returns `true`. */
  abstract stop(id: string, at: Date): Promise<boolean>;

  /** @returns the latest change that took an address from an account after `since` and has not been undone */
  abstract findConfirmedFrom(fromDigest: string, since: Date): Promise<EmailChange | undefined>;

  /** Marks the confirmed changes of an account from a moment on as undone. @returns how many were not before */
  abstract undoSince(userId: string, confirmedSince: Date, at: Date): Promise<number>;

  /** Removes every change of an account, so that no link of one does anything any more. Needed to disable accounts. */
  deleteAllOf(_userId: string): Promise<void> {
    throw new Error(
      `${this.constructor.name} has to implement deleteAllOf() to disable and enable accounts.`,
    );
  }

  /** Removes changes that were requested before a moment. @returns how many */
  abstract deleteExpired(moment: Date): Promise<number>;

  /** As {@link findConfirmedFrom}, of many addresses at once: at most one change each. By default one after the other. */
  async findAllConfirmedFrom(fromDigests: readonly string[], since: Date): Promise<EmailChange[]> {
    const changes = [];
    for (const digest of fromDigests) changes.push(await this.findConfirmedFrom(digest, since));
    return changes.filter((change) => change !== undefined);
  }
}
