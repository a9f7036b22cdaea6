import { Injectable, Optional } from '@nestjs/common';
import { deleteInBatches, TypeOrmTransactions } from '../database';
import { LatestMails, MailboxPaceStore } from './mailbox-pace-store';

/** Paces of mailboxes in PostgreSQL. */
@Injectable()
export class TypeOrmMailboxPaceStore extends MailboxPaceStore {
  // Optional, for a host with another database library that neither registers people nor changes addresses.
  constructor(@Optional() private readonly transactions?: TypeOrmTransactions) {
    super();
  }

  async lock(mailbox: string, at: Date): Promise<LatestMails> {
    // An upsert locks the row also where it has just made it, so that parallel mails are put in order (CWE-367).
    const [row] = await this.query<[LatestMails]>(
      `INSERT INTO latchkey.mailbox_paces (mailbox, locked_at) VALUES ($1, $2)
       ON CONFLICT (mailbox) DO UPDATE SET locked_at = EXCLUDED.locked_at RETURNING registrations, changes`,
      [mailbox, at],
    );
    return row;
  }

  async save(mailbox: string, { registrations, changes }: LatestMails): Promise<void> {
    await this.query(
      'UPDATE latchkey.mailbox_paces SET registrations = $2, changes = $3 WHERE mailbox = $1',
      [mailbox, registrations, changes],
    );
  }

  async deleteExpired(moment: Date): Promise<number> {
    if (!this.transactions) return 0;
    return deleteInBatches(this.manager, 'latchkey.mailbox_paces', 'locked_at < $1', [moment]);
  }

  override async findAll(mailboxes: readonly string[]): Promise<Map<string, LatestMails>> {
    const rows = await this.query<(LatestMails & { mailbox: string })[]>(
      'SELECT mailbox, registrations, changes FROM latchkey.mailbox_paces WHERE mailbox = ANY ($1)',
      [mailboxes],
    );
    return new Map(rows.map(({ mailbox, ...latest }) => [mailbox, latest]));
  }

  private query<Result>(text: string, values: unknown[]): Promise<Result> {
    return this.manager.query<Result>(text, values);
  }

  private get manager() {
    if (!this.transactions)
      throw new Error(
        'Without DatabaseModule, MailModule needs overrides: [{ provide: MailboxPaceStore, … }].',
      );
    return this.transactions.manager;
  }
}
