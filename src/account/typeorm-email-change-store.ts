import { Injectable } from '@nestjs/common';
import {
  Any,
  Column,
  Entity,
  IsNull,
  LessThanOrEqual,
  MoreThan,
  MoreThanOrEqual,
  PrimaryColumn,
} from 'typeorm';
import { deleteInBatches, TypeOrmTransactions } from '../database';
import { EmailChange, EmailChangeStore } from './email-change-store';

@Entity('email_changes', { schema: 'latchkey' })
export class EmailChangeEntity implements EmailChange {
  @PrimaryColumn('uuid')
  id!: string;

  @Column('text', { name: 'user_id' })
  userId!: string;

  @Column('text')
  email!: string;

  @Column('text', { name: 'email_key' })
  emailKey!: string;

  @Column('text', { name: 'from_digest', nullable: true })
  fromDigest!: string | null;

  @Column('text', { name: 'previous_email', nullable: true })
  previousEmail!: string | null;

  @Column('timestamptz', { name: 'created_at' })
  createdAt!: Date;

  @Column('timestamptz', { name: 'mailed_at', nullable: true })
  mailedAt!: Date | null;

  @Column('timestamptz', { name: 'effective_at', nullable: true })
  effectiveAt!: Date | null;

  @Column('timestamptz', { name: 'confirmed_at', nullable: true })
  confirmedAt!: Date | null;

  @Column('timestamptz', { name: 'cancelled_at', nullable: true })
  cancelledAt!: Date | null;

  @Column('timestamptz', { name: 'stopped_at', nullable: true })
  stoppedAt!: Date | null;

  @Column('timestamptz', { name: 'undone_at', nullable: true })
  undoneAt!: Date | null;
}

const CANCEL_ALL = `UPDATE latchkey.email_changes SET cancelled_at = $2
  WHERE user_id = $1 AND confirmed_at IS NULL AND cancelled_at IS NULL`;
const PENDING = { confirmedAt: IsNull(), cancelledAt: IsNull() };

/** Changes of address in PostgreSQL. Check and mark are one statement everywhere, put in order by the row's lock (CWE-367). */
@Injectable()
export class TypeOrmEmailChangeStore extends EmailChangeStore {
  constructor(private readonly transactions: TypeOrmTransactions) {
    super();
  }

  async insert(change: EmailChange): Promise<void> {
    await this.changes.insert(change);
  }

  async findById(id: string): Promise<EmailChange | undefined> {
    return (await this.changes.findOneBy({ id })) ?? undefined;
  }

  countOf(userId: string, since: Date): Promise<number> {
    return this.changes.countBy({ userId, createdAt: MoreThan(since) });
  }

  async markMailed(id: string, at: Date): Promise<boolean> {
    const { affected } = await this.changes.update({ id, ...PENDING, mailedAt: IsNull() }, { mailedAt: at });
    return affected === 1;
  }

  async hold(id: string, effectiveAt: Date): Promise<boolean> {
    const { affected } = await this.changes.update(
      { id, ...PENDING, effectiveAt: IsNull() },
      { effectiveAt },
    );
    return affected === 1;
  }

  async findDue(at: Date, limit: number): Promise<string[]> {
    const due = await this.changes.find({
      select: { id: true },
      where: { ...PENDING, effectiveAt: LessThanOrEqual(at) },
      order: { effectiveAt: 'ASC' },
      take: limit,
    });
    return due.map(({ id }) => id);
  }

  async confirm(id: string, at: Date): Promise<boolean> {
    const { affected } = await this.changes.update({ id, ...PENDING }, { confirmedAt: at });
    return affected === 1;
  }

  async cancel(id: string, at: Date): Promise<boolean> {
    const { affected } = await this.changes.update({ id, ...PENDING }, { cancelledAt: at });
    return affected === 1;
  }

  async cancelAllOf(userId: string, at: Date): Promise<number> {
    const { rowCount } = await this.transactions.query(CANCEL_ALL, [userId, at]);
    return rowCount ?? 0;
  }

  async stop(id: string, at: Date): Promise<boolean> {
    const { affected } = await this.changes.update({ id, stoppedAt: IsNull() }, { stoppedAt: at });
    return affected === 1;
  }

  async findConfirmedFrom(fromDigest: string, since: Date): Promise<EmailChange | undefined> {
    return (await this.findAllConfirmedFrom([fromDigest], since))[0];
  }

  async undoSince(userId: string, confirmedSince: Date, at: Date): Promise<number> {
    const { affected } = await this.changes.update(
      { userId, confirmedAt: MoreThanOrEqual(confirmedSince), undoneAt: IsNull() },
      { undoneAt: at },
    );
    return affected ?? 0;
  }

  override async deleteAllOf(userId: string): Promise<void> {
    await this.changes.delete({ userId });
  }

  deleteExpired(moment: Date): Promise<number> {
    return deleteInBatches(this.transactions.manager, 'latchkey.email_changes', 'created_at < $1', [moment]);
  }

  override async findAllConfirmedFrom(fromDigests: readonly string[], since: Date): Promise<EmailChange[]> {
    const changes = await this.changes.find({
      where: { fromDigest: Any(fromDigests), confirmedAt: MoreThan(since), undoneAt: IsNull() },
      order: { confirmedAt: 'DESC' },
    });
    const latest = new Map(changes.reverse().map((change) => [change.fromDigest, change]));
    return [...latest.values()];
  }

  private get changes() {
    return this.transactions.manager.getRepository(EmailChangeEntity);
  }
}
