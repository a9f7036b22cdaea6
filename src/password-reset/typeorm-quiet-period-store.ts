import { Injectable } from '@nestjs/common';
import { Any, Column, Entity, PrimaryColumn } from 'typeorm';
import { deleteInBatches, TypeOrmTransactions } from '../database';
import { QuietPeriodStore } from './quiet-period-store';

@Entity('quiet_periods', { schema: 'latchkey' })
export class QuietPeriodEntity {
  @PrimaryColumn('text', { name: 'user_id' })
  userId!: string;

  @Column('timestamptz', { name: 'ends_at' })
  endsAt!: Date;
}

/** Quiet periods in PostgreSQL. */
@Injectable()
export class TypeOrmQuietPeriodStore extends QuietPeriodStore {
  constructor(private readonly transactions: TypeOrmTransactions) {
    super();
  }

  async endOf(userId: string): Promise<Date | undefined> {
    return (await this.endsOf([userId])).get(userId);
  }

  async begin(userId: string, endsAt: Date): Promise<void> {
    await this.quietPeriods.upsert({ userId, endsAt }, ['userId']);
  }

  deleteExpired(before: Date): Promise<number> {
    return deleteInBatches(this.transactions.manager, 'latchkey.quiet_periods', 'ends_at < $1', [before]);
  }

  override async endsOf(userIds: readonly string[]): Promise<Map<string, Date>> {
    const rows = await this.quietPeriods.findBy({ userId: Any(userIds) });
    return new Map(rows.map(({ userId, endsAt }) => [userId, endsAt]));
  }

  private get quietPeriods() {
    return this.transactions.manager.getRepository(QuietPeriodEntity);
  }
}
