import { Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { Column, Entity, IsNull, Not, PrimaryColumn, QueryFailedError } from 'typeorm';
import { deleteInBatches, TypeOrmTransactions } from '../database';
import type { NewStoredUser, StoredUser, User } from './user';
import { EmailTakenError, UserStore } from './user-store';

const UNIQUE_VIOLATION = '23505';

@Entity('users', { schema: 'latchkey' })
export class UserEntity implements StoredUser {
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

  @Column('text', { name: 'password_hash' })
  passwordHash!: string;

  @Column('int', { name: 'credentials_version' })
  credentialsVersion!: number;

  @Column('timestamptz', { name: 'disabled_at', nullable: true })
  disabledAt!: Date | null;

  @Column('timestamptz', { name: 'unverified_since', nullable: true })
  unverifiedSince!: Date | null;

  @Column('timestamptz', { name: 'created_at' })
  createdAt!: Date;
}

/** Accounts in PostgreSQL. */
@Injectable()
export class TypeOrmUserStore extends UserStore {
  constructor(private readonly transactions: TypeOrmTransactions) {
    super();
  }

  async findById(id: string): Promise<StoredUser | undefined> {
    return (await this.users.findOneBy({ id })) ?? undefined;
  }

  async findByEmailKey(emailKey: string): Promise<StoredUser | undefined> {
    return (await this.users.findOneBy({ emailKey })) ?? undefined;
  }

  async lock(id: string): Promise<StoredUser | undefined> {
    return (await this.users.findOne({ where: { id }, lock: { mode: 'pessimistic_write' } })) ?? undefined;
  }

  async insert(newUser: NewStoredUser): Promise<StoredUser> {
    const user = { ...newUser, unverifiedSince: newUser.unverifiedSince ?? null, id: randomUUID() };
    await this.users.insert(user).catch(throwTaken);
    return user;
  }

  async setPassword(id: string, passwordHash: string): Promise<void> {
    await this.users.update({ id }, { passwordHash, credentialsVersion: () => 'credentials_version + 1' });
  }

  async upgradeHash(id: string, oldHash: string, newHash: string): Promise<void> {
    await this.users.update({ id, passwordHash: oldHash }, { passwordHash: newHash });
  }

  override async setEmail(id: string, email: string, emailKey: string): Promise<void> {
    await this.users.update({ id }, { email, emailKey }).catch(throwTaken);
  }

  override async verify(
    id: string,
    { username, locale }: Partial<Pick<User, 'username' | 'locale'>> = {},
  ): Promise<void> {
    await this.users.update({ id }, { unverifiedSince: null, username, locale });
  }

  override async renewUnverified(id: string, since: Date): Promise<void> {
    await this.users.update({ id, unverifiedSince: Not(IsNull()) }, { unverifiedSince: since });
  }

  override deleteUnverified(before: Date): Promise<number> {
    return deleteInBatches(this.transactions.manager, 'latchkey.users', 'unverified_since < $1', [before]);
  }

  override async deleteUnverifiedOf(emailKey: string): Promise<void> {
    await this.users.delete({ emailKey, unverifiedSince: Not(IsNull()) });
  }

  private get users() {
    return this.transactions.manager.getRepository(UserEntity);
  }
}

function throwTaken(error: unknown): never {
  const taken =
    error instanceof QueryFailedError && (error.driverError as { code?: string }).code === UNIQUE_VIOLATION;
  throw taken ? new EmailTakenError() : error;
}
