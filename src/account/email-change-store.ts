/** A change of address that was asked for. There is no secret in it: its links are signed when they are mailed. */
export interface EmailChange {
  id: string;
  userId: string;
  /** The new address, as it was given; the link that confirms goes to exactly this. */
  email: string;
  /** By this it is compared; see `parseEmailAddress`. */
  emailKey: string;
  createdAt: Date;
  /** When the mail to the new address was queued. */
  mailedAt: Date | null;
  confirmedAt: Date | null;
  /** When it was stopped: from the old address, by a later change, or by any other change of the credentials. */
  cancelledAt: Date | null;
}

/** Where changes of address are kept. Pending ones are neither confirmed nor canceled. Default: {@link TypeOrmEmailChangeStore}. */
export abstract class EmailChangeStore {
  abstract insert(change: EmailChange): Promise<void>;

  abstract findById(id: string): Promise<EmailChange | undefined>;

  /** @returns how many changes an account has asked for after `since` */
  abstract countOf(userId: string, since: Date): Promise<number>;

  /** @returns how many changes to an address were asked for after `since`, by whomever */
  abstract countTo(emailKey: string, since: Date): Promise<number>;

  /** Marks a pending change as mailed, once: of any number of parallel calls exactly one returns `true`. */
  abstract markMailed(id: string, at: Date): Promise<boolean>;

  /** Confirms a pending change, once: of any number of parallel calls of this and {@link cancel} exactly one returns `true`. */
  abstract confirm(id: string, at: Date): Promise<boolean>;

  /** Cancels a pending change; as {@link confirm}. */
  abstract cancel(id: string, at: Date): Promise<boolean>;

  /** Cancels every pending change of an account. */
  abstract cancelAllOf(userId: string, at: Date): Promise<void>;

  /** Removes changes that were asked for before a moment. @returns how many */
  abstract deleteBefore(moment: Date): Promise<number>;
}
