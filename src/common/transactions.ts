/**
 * Runs work in one database transaction, all or nothing. Stores and the job queue called inside take part in it
 * without being handed anything.
 */
export abstract class Transactions {
  /** Whether the caller runs inside of one. */
  abstract get underWay(): boolean;

  /** Joins the transaction under way, or makes one. Rolls back when `work` throws. */
  abstract run<T>(work: () => Promise<T>): Promise<T>;
}
