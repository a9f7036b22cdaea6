import { Injectable } from '@nestjs/common';
import { EmailChange, EmailChangeStore } from '../account';
import { InMemoryTable, InMemoryTransactions } from './in-memory-transactions';

@Injectable()
export class InMemoryEmailChangeStore extends EmailChangeStore {
  private readonly changes: InMemoryTable<EmailChange>;

  constructor(transactions: InMemoryTransactions) {
    super();
    this.changes = new InMemoryTable(transactions);
  }

  insert(change: EmailChange): Promise<void> {
    return Promise.resolve(this.changes.put(change));
  }

  findById(id: string): Promise<EmailChange | undefined> {
    return Promise.resolve(this.changes.get(id));
  }

  countOf(userId: string, since: Date): Promise<number> {
    const found = this.changes.filter((change) => change.userId === userId && change.createdAt > since);
    return Promise.resolve(found.length);
  }

  countTo(emailKey: string, since: Date): Promise<number> {
    const found = this.changes.filter((change) => change.emailKey === emailKey && change.createdAt > since);
    return Promise.resolve(found.length);
  }

  markMailed(id: string, mailedAt: Date): Promise<boolean> {
    const open = this.pending((change) => change.id === id && !change.mailedAt);
    return Promise.resolve(this.mark(open, { mailedAt }));
  }

  confirm(id: string, confirmedAt: Date): Promise<boolean> {
    return Promise.resolve(
      this.mark(
        this.pending((change) => change.id === id),
        { confirmedAt },
      ),
    );
  }

  cancel(id: string, cancelledAt: Date): Promise<boolean> {
    return Promise.resolve(
      this.mark(
        this.pending((change) => change.id === id),
        { cancelledAt },
      ),
    );
  }

  cancelAllOf(userId: string, cancelledAt: Date): Promise<void> {
    this.mark(
      this.pending((change) => change.userId === userId),
      { cancelledAt },
    );
    return Promise.resolve();
  }

  deleteBefore(moment: Date): Promise<number> {
    const old = this.changes.filter(({ createdAt }) => createdAt < moment);
    for (const { id } of old) this.changes.delete(id);
    return Promise.resolve(old.length);
  }

  private pending(matches: (change: EmailChange) => boolean): EmailChange[] {
    return this.changes.filter((change) => !change.confirmedAt && !change.cancelledAt && matches(change));
  }

  private mark(changes: EmailChange[], marks: Partial<EmailChange>): boolean {
    for (const change of changes) this.changes.put({ ...change, ...marks });
    return changes.length > 0;
  }
}
