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

  markMailed(id: string, mailedAt: Date): Promise<boolean> {
    const open = this.pending((change) => change.id === id && !change.mailedAt);
    return Promise.resolve(this.mark(open, { mailedAt }) === 1);
  }

  hold(id: string, effectiveAt: Date): Promise<boolean> {
    const open = this.pending((change) => change.id === id && !change.effectiveAt);
    return Promise.resolve(this.mark(open, { effectiveAt }) === 1);
  }

  findDue(at: Date, limit: number): Promise<string[]> {
    const due = this.pending(({ effectiveAt }) => !!effectiveAt && effectiveAt <= at);
    due.sort((a, b) => a.effectiveAt!.getTime() - b.effectiveAt!.getTime());
    return Promise.resolve(due.slice(0, limit).map(({ id }) => id));
  }

  confirm(id: string, confirmedAt: Date): Promise<boolean> {
    const open = this.pending((change) => change.id === id);
    return Promise.resolve(this.mark(open, { confirmedAt }) === 1);
  }

  cancel(id: string, cancelledAt: Date): Promise<boolean> {
    const open = this.pending((change) => change.id === id);
    return Promise.resolve(this.mark(open, { cancelledAt }) === 1);
  }

  cancelAllOf(userId: string, cancelledAt: Date): Promise<number> {
    const open = this.pending((change) => change.userId === userId);
    return Promise.resolve(this.mark(open, { cancelledAt }));
  }

  stop(id: string, stoppedAt: Date): Promise<boolean> {
    const unused = this.changes.filter((change) => change.id === id && !change.stoppedAt);
    return Promise.resolve(this.mark(unused, { stoppedAt }) === 1);
  }

  findConfirmedFrom(fromDigest: string, since: Date): Promise<EmailChange | undefined> {
    const found = this.confirmed((change) => change.fromDigest === fromDigest && change.confirmedAt! > since);
    found.sort((a, b) => b.confirmedAt!.getTime() - a.confirmedAt!.getTime());
    return Promise.resolve(found[0]);
  }

  undoSince(userId: string, confirmedSince: Date, undoneAt: Date): Promise<number> {
    const found = this.confirmed(
      (change) => change.userId === userId && change.confirmedAt! >= confirmedSince,
    );
    return Promise.resolve(this.mark(found, { undoneAt }));
  }

  override deleteAllOf(userId: string): Promise<void> {
    for (const { id } of this.changes.filter((change) => change.userId === userId)) this.changes.delete(id);
    return Promise.resolve();
  }

  deleteExpired(moment: Date): Promise<number> {
    const old = this.changes.filter(({ createdAt }) => createdAt < moment);
    for (const { id } of old) this.changes.delete(id);
    return Promise.resolve(old.length);
  }

  private pending(matches: (change: EmailChange) => boolean): EmailChange[] {
    return this.changes.filter((change) => !change.confirmedAt && !change.cancelledAt && matches(change));
  }

  private confirmed(matches: (change: EmailChange) => boolean): EmailChange[] {
    return this.changes.filter((change) => !!change.confirmedAt && !change.undoneAt && matches(change));
  }

  private mark(changes: EmailChange[], marks: Partial<EmailChange>): number {
    for (const change of changes) this.changes.put({ ...change, ...marks });
    return changes.length;
  }
}
