import { Injectable } from '@nestjs/common';
import { AuditEvent, AuditQuery, AuditTrail } from '../audit';
import { InMemoryTable, InMemoryTransactions } from './in-memory-transactions';

@Injectable()
export class InMemoryAuditTrail extends AuditTrail {
  private readonly events: InMemoryTable<AuditEvent>;

  constructor(transactions: InMemoryTransactions) {
    super();
    this.events = new InMemoryTable(transactions);
  }

  append(events: readonly AuditEvent[]): Promise<void> {
    for (const event of events) if (!this.events.get(event.id)) this.events.put(event);
    return Promise.resolve();
  }

  find({ userId, requestId, act, mailIds, since, limit }: AuditQuery): Promise<AuditEvent[]> {
    const requests = new Set(this.events.filter((event) => event.userId === userId).map((e) => e.requestId));
    const found = this.events.filter(
      (event) =>
        (userId === undefined || requests.has(event.requestId)) &&
        (requestId === undefined || event.requestId === requestId) &&
        (act === undefined || event.act === act) &&
        (mailIds === undefined || mailIds.includes(String(event.details['mailId']))) &&
        (since === undefined || event.at >= since),
    );
    return Promise.resolve(found.sort((a, b) => b.at.getTime() - a.at.getTime()).slice(0, limit));
  }

  deleteExpired(before: Date): Promise<number> {
    const old = this.events.filter(({ at }) => at < before);
    for (const { id } of old) this.events.delete(id);
    return Promise.resolve(old.length);
  }
}
