import { Injectable } from '@nestjs/common';
import { RecoveryStore } from '../account';
import { InMemoryTable, InMemoryTransactions } from './in-memory-transactions';

@Injectable()
export class InMemoryRecoveryStore extends RecoveryStore {
  /** By the id of the user. */
  private readonly recoveries: InMemoryTable<{ id: string; at: Date }>;

  constructor(transactions: InMemoryTransactions) {
    super();
    this.recoveries = new InMemoryTable(transactions);
  }

  lastOf(userId: string): Promise<Date | undefined> {
    return Promise.resolve(this.recoveries.get(userId)?.at);
  }

  note(userId: string, at: Date): Promise<void> {
    return Promise.resolve(this.recoveries.put({ id: userId, at }));
  }

  deleteExpired(moment: Date): Promise<number> {
    const old = this.recoveries.filter(({ at }) => at < moment);
    for (const { id } of old) this.recoveries.delete(id);
    return Promise.resolve(old.length);
  }
}
