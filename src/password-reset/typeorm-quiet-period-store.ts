import { Injectable } from '@nestjs/common';
import { Column, Entity, PrimaryColumn } from 'typeorm';
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
    return (await this.quietPeriods.findOneBy({ userId }))?.endsAt;
  }

  async begin(userId: string, endsAt: Date): Promise<void> {
    await this.quietPeriods.upsert({ userId, endsAt }, ['userId']);
  }

  deleteEnded(before: Date): Promise<number> {
    return deleteInBatches(this.transactions.manager, 'latchkey.quiet_periods', 'ends_at < $1', [before]);
  }

  private get quietPeriods() {
    return this.transactions.manager.getRepository(QuietPeriodEntity);
  }
}
