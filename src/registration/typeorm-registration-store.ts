import { Injectable } from '@nestjs/common';
import { Any, Column, Entity, IsNull, Not, PrimaryColumn } from 'typeorm';
import { deleteInBatches, TypeOrmTransactions } from '../database';
import { Registration, RegistrationStore } from './registration-store';

@Entity('registrations', { schema: 'latchkey' })
export class RegistrationEntity implements Registration {
  @PrimaryColumn('uuid')
  id!: string;

  @Column('text')
  email!: string;

  @Column('text', { name: 'email_key' })
  emailKey!: string;

  @Column('text')
  username!: string;

  @Column('text', { nullable: true })
  locale!: string | null;

  @Column('text', { name: 'password_hash', nullable: true })
  passwordHash!: string | null;

  @Column('text', { name: 'user_id', nullable: true })
  userId!: string | null;

  @Column('timestamptz', { name: 'created_at' })
  createdAt!: Date;

  @Column('timestamptz', { name: 'mailed_at', nullable: true })
  mailedAt!: Date | null;

  @Column('timestamptz', { name: 'used_at', nullable: true })
  usedAt!: Date | null;
}

const DISCARD_UNMAILED = `
  UPDATE latchkey.registrations SET password_hash = NULL
  WHERE id IN (
    SELECT id FROM latchkey.registrations
    WHERE id = ANY ($1::uuid[]) AND mailed_at IS NULL AND password_hash IS NOT NULL
    FOR UPDATE SKIP LOCKED
  ) RETURNING id`;

const OPEN = { passwordHash: Not(IsNull()) };

/** Attempts to register, in PostgreSQL. */
@Injectable()
export class TypeOrmRegistrationStore extends RegistrationStore {
  constructor(private readonly transactions: TypeOrmTransactions) {
    super();
  }

  async insert(registration: Registration): Promise<void> {
    await this.registrations.insert(registration);
  }

  async findById(id: string): Promise<Registration | undefined> {
    return (await this.registrations.findOneBy({ id })) ?? undefined;
  }

  async markMailed(id: string, mailedAt: Date, userId: string | null): Promise<void> {
    await this.registrations.update({ id }, { mailedAt, userId });
  }

  async spend(id: string, at: Date): Promise<boolean> {
    // Check and mark are one statement, so that parallel calls are put in order by the row's lock (CWE-367).
    const spent = { usedAt: at, passwordHash: null };
    const { affected } = await this.registrations.update({ id, usedAt: IsNull(), ...OPEN }, spent);
    return affected === 1;
  }

  async discard(id: string): Promise<void> {
    await this.registrations.update({ id }, { passwordHash: null });
  }

  async discardAllOf(userId: string): Promise<void> {
    await this.registrations.update({ userId, ...OPEN }, { passwordHash: null });
  }

  deleteExpired(before: Date): Promise<number> {
    return deleteInBatches(this.transactions.manager, 'latchkey.registrations', 'created_at < $1', [before]);
  }

  override findByIds(ids: readonly string[]): Promise<Registration[]> {
    return this.registrations.findBy({ id: Any(ids) });
  }

  override async discardUnmailed(ids: readonly string[]): Promise<string[]> {
    const [rows] = await this.transactions.manager.query<[{ id: string }[], number]>(DISCARD_UNMAILED, [ids]);
    return rows.map(({ id }) => id);
  }

  private get registrations() {
    return this.transactions.manager.getRepository(RegistrationEntity);
  }
}
