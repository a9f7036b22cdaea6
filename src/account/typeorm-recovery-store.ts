import { Injectable } from '@nestjs/common';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { deleteInBatches, TypeOrmTransactions } from '../database';
import { RecoveryStore } from './recovery-store';

@Entity('recoveries', { schema: 'latchkey' })
export class RecoveryEntity {
  @PrimaryColumn('text', { name: 'user_id' })
  userId!: string;

  @Column('timestamptz')
  at!: Date;
}

const NOTE = `INSERT INTO latchkey.recoveries (user_id, at) VALUES ($1, $2)
  ON CONFLICT (user_id) DO UPDATE SET at = excluded.at`;

/** Resets of late, in PostgreSQL. */
@Injectable()
export class TypeOrmRecoveryStore extends RecoveryStore {
  constructor(private readonly transactions: TypeOrmTransactions) {
    super();
  }

  async lastOf(userId: string): Promise<Date | undefined> {
    return (await this.recoveries.findOneBy({ userId }))?.at;
  }

  async note(userId: string, at: Date): Promise<void> {
    await this.transactions.query(NOTE, [userId, at]);
  }

  deleteExpired(moment: Date): Promise<number> {
    return deleteInBatches(this.transactions.manager, 'latchkey.recoveries', 'at < $1', [moment]);
  }

  private get recoveries() {
    return this.transactions.manager.getRepository(RecoveryEntity);
  }
}
