import { Injectable } from '@nestjs/common';
import { QuietPeriodStore } from '../password-reset';
import { InMemoryTable, InMemoryTransactions } from './in-memory-transactions';

@Injectable()
export class InMemoryQuietPeriodStore extends QuietPeriodStore {
  /** By the id of the user. */
  private readonly quietPeriods: InMemoryTable<{ id: string; endsAt: Date }>;

  constructor(transactions: InMemoryTransactions) {
    super();
    this.quietPeriods = new InMemoryTable(transactions);
  }

  endOf(userId: string): Promise<Date | undefined> {
    return Promise.resolve(this.quietPeriods.get(userId)?.endsAt);
  }

  begin(userId: string, endsAt: Date): Promise<void> {
    return Promise.resolve(this.quietPeriods.put({ id: userId, endsAt }));
  }

  deleteExpired(before: Date): Promise<number> {
    const ended = this.quietPeriods.filter(({ endsAt }) => endsAt < before);
    for (const { id } of ended) this.quietPeriods.delete(id);
    return Promise.resolve(ended.length);
  }
}
