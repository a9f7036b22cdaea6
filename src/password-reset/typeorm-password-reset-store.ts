import { Injectable } from '@nestjs/common';
import { Column, Entity, IsNull, MoreThan, PrimaryColumn } from 'typeorm';
import { deleteInBatches, selectionOf, TypeOrmTransactions } from '../database';
import type { UsersService, WithUser } from '../users';
import { PasswordReset, PasswordResetStore } from './password-reset-store';

@Entity('password_resets', { schema: 'latchkey' })
export class PasswordResetEntity implements PasswordReset {
  @PrimaryColumn('uuid')
  id!: string;

  @Column('text', { name: 'user_id' })
  userId!: string;

  @Column('text', { name: 'email_digest', nullable: true })
  emailDigest?: string | null;

  @Column('uuid', { name: 'undone_change_id', nullable: true })
  undoneChangeId?: string | null;

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

  @Column('timestamptz', { name: 'discounted_at', nullable: true })
  discountedAt!: Date | null;
}

const FIND = `SELECT ${selectionOf(PasswordResetEntity)} FROM latchkey.password_resets WHERE id = $1`;
const SPEND = `UPDATE latchkey.password_resets SET used_at = $2
  WHERE id = $1 AND used_at IS NULL AND revoked_at IS NULL AND expires_at > $2`;
const REVOKE_ALL = `UPDATE latchkey.password_resets SET revoked_at = $2
  WHERE user_id = $1 AND used_at IS NULL AND revoked_at IS NULL AND undone_change_id IS NULL`;
// One parameter and one plan for any number of rows.
const INSERT_ALL = `
  INSERT INTO latchkey.password_resets (id, user_id, email_digest, undone_change_id, created_at, expires_at)
  SELECT id, "userId", "emailDigest", "undoneChangeId", "createdAt", "expiresAt"
  FROM jsonb_to_recordset($1::jsonb) AS reset (
    id uuid, "userId" text, "emailDigest" text, "undoneChangeId" uuid, "createdAt" timestamptz, "expiresAt" timestamptz
  )
  ON CONFLICT (id) DO NOTHING RETURNING id`;

const MARK_ALL_MAILED = `
  UPDATE latchkey.password_resets SET mailed_at = $2 WHERE id = ANY ($1::uuid[]) AND mailed_at IS NULL RETURNING id`;

const OPEN_OF_ALL = `SELECT ${selectionOf(PasswordResetEntity)} FROM latchkey.password_resets
  WHERE user_id = ANY ($1::text[]) AND used_at IS NULL AND revoked_at IS NULL AND created_at > $2
  ORDER BY created_at DESC`;
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
    return (await this.transactions.query<PasswordReset>(FIND, [id])).rows[0];
  }

  override findWithUser(id: string, users: UsersService): Promise<WithUser<PasswordReset> | undefined> {
    return users.findRowWithUser<PasswordReset>(FIND, [id]) ?? super.findWithUser(id, users);
  }

  openSince(userId: string, since: Date): Promise<PasswordReset[]> {
    return this.openOfAllSince([userId], since);
  }

  isUsedAfter(userId: string, moment: Date): Promise<boolean> {
    return this.resets.existsBy({ userId, usedAt: MoreThan(moment) });
  }

  async renew(id: string, expiresAt: Date): Promise<boolean> {
    const { affected } = await this.resets.update({ id, ...LIVE, mailedAt: IsNull() }, { expiresAt });
    return affected === 1;
  }

  async markMailed(id: string, at: Date): Promise<boolean> {
    return (await this.markAllMailed([id], at)).length === 1;
  }

  async spend(id: string, at: Date): Promise<boolean> {
    // Check and mark are one statement, so that parallel calls are put in order by the row's lock (CWE-367).
    const { rowCount } = await this.transactions.query(SPEND, [id, at]);
    return rowCount === 1;
  }

  async revokeAllOf(userId: string, at: Date): Promise<void> {
    await this.transactions.query(REVOKE_ALL, [userId, at]);
  }

  async disavow(id: string, at: Date): Promise<boolean> {
    const { affected } = await this.resets.update({ id, disavowedAt: IsNull() }, { disavowedAt: at });
    return affected === 1;
  }

  override async disavowAllOf(userId: string, at: Date): Promise<void> {
    await this.resets.update({ userId, disavowedAt: IsNull() }, { disavowedAt: at });
  }

  async discount(id: string, at: Date): Promise<void> {
    await this.resets.update({ id, discountedAt: IsNull() }, { discountedAt: at });
  }

  async discountAllOf(userId: string, at: Date): Promise<void> {
    await this.resets.update(
      { userId, undoneChangeId: IsNull(), ...LIVE, discountedAt: IsNull() },
      { discountedAt: at },
    );
  }

  deleteExpired(before: Date): Promise<number> {
    return deleteInBatches(this.transactions.manager, 'latchkey.password_resets', 'expires_at < $1', [
      before,
    ]);
  }

  override async openOfAllSince(userIds: readonly string[], since: Date): Promise<PasswordReset[]> {
    return (await this.transactions.query<PasswordReset>(OPEN_OF_ALL, [userIds, since])).rows;
  }

  override async insertAll(resets: readonly PasswordReset[]): Promise<string[]> {
    const { rows } = await this.transactions.query<{ id: string }>(INSERT_ALL, [JSON.stringify(resets)]);
    return rows.map(({ id }) => id);
  }

  override async markAllMailed(ids: readonly string[], at: Date): Promise<string[]> {
    const { rows } = await this.transactions.query<{ id: string }>(MARK_ALL_MAILED, [ids, at]);
    return rows.map(({ id }) => id);
  }

  private get resets() {
    return this.transactions.manager.getRepository(PasswordResetEntity);
  }
}
