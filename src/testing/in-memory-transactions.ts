import { Injectable } from '@nestjs/common';
import { AsyncVariable, Transactions } from '../common';

interface Transaction {
  onCommit: (() => void)[];
}

/**
 * Transactions over {@link InMemoryTable}s: one after the other, each all or nothing, and unseen from outside until it
 * has succeeded.
 */
@Injectable()
export class InMemoryTransactions extends Transactions {
  private readonly transaction = new AsyncVariable<Transaction>();
  private previous: Promise<unknown> = Promise.resolve();

  get underWay(): boolean {
    return this.current !== undefined;
  }

  /** The transaction under way. */
  get current(): Transaction | undefined {
    return this.transaction.get();
  }

  run<T>(work: () => Promise<T>): Promise<T> {
    if (this.current) return work();
    const result = this.previous.then(() => this.runAlone(work));
    this.previous = result.catch(() => undefined);
    return result;
  }

  /** Does something once the transaction under way has succeeded; at once where there is none. */
  afterCommit(action: () => void): void {
    if (this.current) this.current.onCommit.push(action);
    else action();
  }

  private async runAlone<T>(work: () => Promise<T>): Promise<T> {
    const transaction: Transaction = { onCommit: [] };
    const result = await this.transaction.run(transaction, work);
    for (const action of transaction.onCommit) action();
    return result;
  }
}

/** Rows by id, kept as copies, as a database would. */
export class InMemoryTable<Row extends { id: string }> {
  private readonly rows = new Map<string, Row>();
  /** What a transaction under way has changed; `undefined` for a row that it has deleted. */
  private readonly changes = new WeakMap<Transaction, Map<string, Row | undefined>>();

  constructor(private readonly transactions: InMemoryTransactions) {}

  get(id: string): Row | undefined {
    const changes = this.changesUnderWay();
    const row = changes?.has(id) ? changes.get(id) : this.rows.get(id);
    return row && { ...row };
  }

  filter(matches: (row: Row) => boolean): Row[] {
    const ids = new Set([...this.rows.keys(), ...(this.changesUnderWay()?.keys() ?? [])]);
    return [...ids].flatMap((id) => this.get(id) ?? []).filter(matches);
  }

  put(row: Row): void {
    this.change(row.id, { ...row });
  }

  delete(id: string): void {
    this.change(id, undefined);
  }

  private change(id: string, row: Row | undefined): void {
    const changes = this.changesUnderWay();
    if (changes) changes.set(id, row);
    else this.apply(id, row);
  }

  private changesUnderWay(): Map<string, Row | undefined> | undefined {
    const { current } = this.transactions;
    if (!current) return undefined;
    const changes = this.changes.get(current) ?? new Map<string, Row | undefined>();
    if (!this.changes.has(current)) {
      this.changes.set(current, changes);
      this.transactions.afterCommit(() => changes.forEach((row, id) => this.apply(id, row)));
    }
    return changes;
  }

  private apply(id: string, row: Row | undefined): void {
    if (row) this.rows.set(id, row);
    else this.rows.delete(id);
  }
}
