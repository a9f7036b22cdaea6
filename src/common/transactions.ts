/**
 * Runs work in one database transaction, all or nothing. Stores and the job queue called inside take part in it
 * without being handed anything.
 */
export abstract class Transactions {
  /** Whether the caller runs inside of one. */
  abstract get underWay(): boolean;

  /** Joins the transaction under way, or makes one. Rolls back when `work` throws. */
  abstract run<T>(work: () => Promise<T>): Promise<T>;

  /**
   * Hands items to `write` together with all others of the transaction under way, just before that commits. By default,
   * and where there is none, at once.
   * @param write the same function for what is written together; what it throws fails the transaction
   */
  collect<Item>(items: readonly Item[], write: (items: readonly Item[]) => Promise<void>): Promise<void> {
    return write(items);
  }
}
