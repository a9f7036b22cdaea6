import { Injectable } from '@nestjs/common';
import { LatestMails, MailboxPaceStore } from '../mail';
import { InMemoryTable, InMemoryTransactions } from './in-memory-transactions';

@Injectable()
export class InMemoryMailboxPaceStore extends MailboxPaceStore {
  private readonly mailboxes: InMemoryTable<LatestMails & { id: string; lockedAt: Date }>;

  constructor(transactions: InMemoryTransactions) {
    super();
    this.mailboxes = new InMemoryTable(transactions);
  }

  /** Transactions run one after the other, so nobody else can change it meanwhile. */
  lock(id: string, lockedAt: Date): Promise<LatestMails> {
    const { registrations, changes } = this.mailboxes.get(id) ?? { registrations: [], changes: [] };
    this.mailboxes.put({ id, lockedAt, registrations, changes });
    return Promise.resolve({ registrations, changes });
  }

  save(id: string, latest: LatestMails): Promise<void> {
    const mailbox = this.mailboxes.get(id);
    if (mailbox) this.mailboxes.put({ ...mailbox, ...latest });
    return Promise.resolve();
  }

  override findAll(mailboxes: readonly string[]): Promise<Map<string, LatestMails>> {
    const found = this.mailboxes.filter(({ id }) => mailboxes.includes(id));
    return Promise.resolve(
      new Map(found.map(({ id, registrations, changes }) => [id, { registrations, changes }])),
    );
  }

  deleteExpired(moment: Date): Promise<number> {
    const old = this.mailboxes.filter(({ lockedAt }) => lockedAt < moment);
    for (const { id } of old) this.mailboxes.delete(id);
    return Promise.resolve(old.length);
  }
}
