import { Injectable } from '@nestjs/common';
import { Column, Entity, IsNull, MoreThan, PrimaryColumn } from 'typeorm';
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

  @Column('timestamptz', { name: 'created_at' })
  createdAt!: Date;

  @Column('timestamptz', { name: 'mailed_at', nullable: true })
  mailedAt!: Date | null;

  @Column('timestamptz', { name: 'confirmed_at', nullable: true })
  confirmedAt!: Date | null;

  @Column('timestamptz', { name: 'cancelled_at', nullable: true })
  cancelledAt!: Date | null;
}

const PENDING = { confirmedAt: IsNull(), cancelledAt: IsNull() };

/** Changes of address in PostgreSQL. Look and mark are one statement everywhere, put in order by the row's lock (CWE-367). */
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

  countTo(emailKey: string, since: Date): Promise<number> {
    return this.changes.countBy({ emailKey, createdAt: MoreThan(since) });
  }

  async markMailed(id: string, at: Date): Promise<boolean> {
    const { affected } = await this.changes.update({ id, ...PENDING, mailedAt: IsNull() }, { mailedAt: at });
    return affected === 1;
  }

  async confirm(id: string, at: Date): Promise<boolean> {
    const { affected } = await this.changes.update({ id, ...PENDING }, { confirmedAt: at });
    return affected === 1;
  }

  async cancel(id: string, at: Date): Promise<boolean> {
    const { affected } = await this.changes.update({ id, ...PENDING }, { cancelledAt: at });
    return affected === 1;
  }

  async cancelAllOf(userId: string, at: Date): Promise<void> {
    await this.changes.update({ userId, ...PENDING }, { cancelledAt: at });
  }

  deleteBefore(moment: Date): Promise<number> {
    return deleteInBatches(this.transactions.manager, 'latchkey.email_changes', 'created_at < $1', [moment]);
  }

  private get changes() {
    return this.transactions.manager.getRepository(EmailChangeEntity);
  }
}
