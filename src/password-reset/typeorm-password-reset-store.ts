import { Injectable } from '@nestjs/common';
import { Column, Entity, IsNull, MoreThan, PrimaryColumn } from 'typeorm';
import { deleteInBatches, TypeOrmTransactions } from '../database';
import { PasswordReset, PasswordResetStore } from './password-reset-store';

@Entity('password_resets', { schema: 'latchkey' })
export class PasswordResetEntity implements PasswordReset {
  @PrimaryColumn('uuid')
  id!: string;

  @Column('text', { name: 'user_id' })
  userId!: string;

  @Column('timestamptz', { name: 'created_at' })
  createdAt!: Date;

  @Column('timestamptz', { name: 'expires_at' })
  expiresAt!: Date;

  @Column('timestamptz', { name: 'mailed_at', nullable: true })
  mailedAt!: Date | null;

  @Column('timestamptz', { name: 'used_at', nullable: true })
  usedAt!: Date | null;

  @Column('timestamptz', { name: 'revoked_at', nullable: true })
  revokedAt!: Date | null;

  @Column('timestamptz', { name: 'disavowed_at', nullable: true })
  disavowedAt!: Date | null;
}

const LIVE = { usedAt: IsNull(), revokedAt: IsNull() };

/** Links in PostgreSQL. */
@Injectable()
export class TypeOrmPasswordResetStore extends PasswordResetStore {
  constructor(private readonly transactions: TypeOrmTransactions) {
    super();
  }

  async insert(reset: PasswordReset): Promise<void> {
    await this.resets.insert(reset);
  }

  async findById(id: string): Promise<PasswordReset | undefined> {
    return (await this.resets.findOneBy({ id })) ?? undefined;
  }

  async createdSince(userId: string, since: Date): Promise<Date[]> {
    const resets = await this.resets.find({
      select: { createdAt: true },
      where: { userId, createdAt: MoreThan(since) },
      order: { createdAt: 'DESC' },
    });
    return resets.map(({ createdAt }) => createdAt);
  }

  isUsedAfter(userId: string, moment: Date): Promise<boolean> {
    return this.resets.existsBy({ userId, usedAt: MoreThan(moment) });
  }

  async prolong(id: string, expiresAt: Date, mailedAt: Date | null): Promise<boolean> {
    const { affected } = await this.resets.update({ id, mailedAt: IsNull() }, { expiresAt, mailedAt });
    return affected === 1;
  }

  async spend(id: string, at: Date): Promise<boolean> {
    // Look and mark are one statement, so that parallel calls are put in order by the row's lock (CWE-367).
    const { affected } = await this.resets.update({ id, ...LIVE, expiresAt: MoreThan(at) }, { usedAt: at });
    return affected === 1;
  }

  async revokeAllOf(userId: string, at: Date): Promise<void> {
    await this.resets.update({ userId, ...LIVE }, { revokedAt: at });
  }

  async disavow(id: string, at: Date): Promise<boolean> {
    const { affected } = await this.resets.update({ id, disavowedAt: IsNull() }, { disavowedAt: at });
    return affected === 1;
  }

  deleteExpired(before: Date): Promise<number> {
    return deleteInBatches(this.transactions.manager, 'latchkey.password_resets', 'expires_at < $1', [
      before,
    ]);
  }

  private get resets() {
    return this.transactions.manager.getRepository(PasswordResetEntity);
  }
}
