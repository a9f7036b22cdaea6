/** What brings mails to an address that somebody has typed: an attempt to register, or a change to that address. */
export type TypedAddressMail = 'registrations' | 'changes';

/** When a mailbox got its latest mails of each kind, latest first; two are kept of each. */
export type LatestMails = Record<TypedAddressMail, Date[]>;

/**
 * Where it is kept when a mailbox got its latest mails that anybody can cause. Call it in a transaction. Default:
 * {@link TypeOrmMailboxPaceStore}.
 */
export abstract class MailboxPaceStore {
  /**
   * Reads the latest mails of a mailbox, and keeps everybody else from it until the transaction under way ends, also where
   * it has got none yet.
   * @param mailbox a digest
   */
  abstract lock(mailbox: string, at: Date): Promise<LatestMails>;

  /** Stores the latest mails of a mailbox that is locked. */
  abstract save(mailbox: string, latest: LatestMails): Promise<void>;

  /** Forgets the mailboxes that were last locked before a moment. @returns how many */
  abstract deleteExpired(moment: Date): Promise<number>;

  /** Reads the latest mails of many mailboxes, by mailbox, and locks none. By default of none. */
  findAll(_mailboxes: readonly string[]): Promise<Map<string, LatestMails>> {
    return Promise.resolve(new Map<string, LatestMails>());
  }
}
