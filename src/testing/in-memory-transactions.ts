import { Injectable } from '@nestjs/common';
import { AsyncLocalStorage } from 'node:async_hooks';
import { Transactions } from '../common';

interface Transaction {
  undo: (() => void)[];
  afterCommit: (() => void)[];
}

/** Transactions over {@link InMemoryTable}s: one after the other, each all or nothing. */
@Injectable()
export class InMemoryTransactions extends Transactions {
  private readonly current = new AsyncLocalStorage<Transaction>();
  private previous: Promise<unknown> = Promise.resolve();

  run<T>(work: () => Promise<T>): Promise<T> {
    if (this.current.getStore()) return work();
    const result = this.previous.then(() => this.runAlone(work));
    this.previous = result.catch(() => undefined);
    return result;
  }

  /** Says how to take back a change, should the transaction under way fail. */
  onRollback(undo: () => void): void {
    this.current.getStore()?.undo.unshift(undo);
  }

  /** Runs something once the transaction under way has succeeded; at once where there is none. */
  afterCommit(action: () => void): void {
    const transaction = this.current.getStore();
    if (transaction) transaction.afterCommit.push(action);
    else action();
  }

  private async runAlone<T>(work: () => Promise<T>): Promise<T> {
    const transaction: Transaction = { undo: [], afterCommit: [] };
    try {
      const result = await this.current.run(transaction, work);
      for (const action of transaction.afterCommit) action();
      return result;
    } catch (error) {
      for (const undo of transaction.undo) undo();
      throw error;
    }
  }
}

/** Rows by id, kept as copies, as a database would. */
export class InMemoryTable<Row extends { id: string }> {
  private readonly rows = new Map<string, Row>();

  constructor(private readonly transactions: InMemoryTransactions) {}

  get(id: string): Row | undefined {
    return copy(this.rows.get(id));
  }

  filter(matches: (row: Row) => boolean): Row[] {
    return [...this.rows.values()].filter(matches).map((row) => ({ ...row }));
  }

  put(row: Row): void {
    const before = this.rows.get(row.id);
    this.transactions.onRollback(() => (before ? this.rows.set(row.id, before) : this.rows.delete(row.id)));
    this.rows.set(row.id, { ...row });
  }

  delete(id: string): void {
    const before = this.rows.get(id);
    if (!before) return;
    this.transactions.onRollback(() => this.rows.set(id, before));
    this.rows.delete(id);
  }
}

function copy<Row extends object>(row: Row | undefined): Row | undefined {
  return row && { ...row };
}
