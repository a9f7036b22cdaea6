import { Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { Column, Entity, IsNull, Not, PrimaryColumn, QueryFailedError } from 'typeorm';
import { columnsOf, deleteInBatches, selectionOf, TypeOrmTransactions } from '../database';
import type { NewStoredUser, Profile, StoredUser, WithUser } from './user';
import { EmailTakenError } from './users.errors';
import { UnverifiedUserStore } from './unverified-user-store';

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

const COLUMNS = columnsOf(UserEntity);
const SELECT = `SELECT ${selectionOf(UserEntity)} FROM latchkey.users`;
const JOINED = COLUMNS.map(([property, column]) => `account.${column} AS "user.${property}"`).join(', ');

/** Accounts in PostgreSQL. */
@Injectable()
export class TypeOrmUserStore extends UnverifiedUserStore {
  constructor(private readonly transactions: TypeOrmTransactions) {
    super();
  }

  async findById(id: string): Promise<StoredUser | undefined> {
    return this.findOne(`${SELECT} WHERE id = $1`, id);
  }

  async findByEmailKey(emailKey: string): Promise<StoredUser | undefined> {
    return this.findOne(`${SELECT} WHERE email_key = $1`, emailKey);
  }

  override async findRowWithUser<Row extends { userId: string }>(
    text: string,
    values: unknown[],
  ): Promise<WithUser<Row, StoredUser> | undefined> {
    const joined = `SELECT named.*, ${JOINED} FROM (${text}) AS named
      LEFT JOIN latchkey.users AS account ON account.id = named."userId"::uuid`;
    const { rows } = await this.transactions.query<Row>(joined, values);
    return rows[0] && split(rows[0]);
  }

  async lock(id: string): Promise<StoredUser | undefined> {
    return this.findOne(`${SELECT} WHERE id = $1 FOR UPDATE`, id);
  }

  async insert(newUser: NewStoredUser): Promise<StoredUser> {
    const user = { ...newUser, unverifiedSince: newUser.unverifiedSince ?? null, id: randomUUID() };
    await this.users.insert(user).catch(throwTaken);
    return user;
  }

  async setPassword(id: string, passwordHash: string): Promise<void> {
    await this.transactions.query(
      'UPDATE latchkey.users SET password_hash = $2, credentials_version = credentials_version + 1 WHERE id = $1',
      [id, passwordHash],
    );
  }

  async raiseCredentialsVersion(id: string): Promise<void> {
    await this.users.increment({ id }, 'credentialsVersion', 1);
  }

  async upgradeHash(id: string, oldHash: string, newHash: string): Promise<void> {
    await this.users.update({ id, passwordHash: oldHash }, { passwordHash: newHash });
  }

  override async setEmail(id: string, email: string, emailKey: string): Promise<void> {
    await this.users.update({ id }, { email, emailKey }).catch(throwTaken);
  }

  override async setDisabled(id: string, disabledAt: Date | null): Promise<void> {
    await this.users.update({ id }, { disabledAt });
  }

  async markEmailVerified(id: string, { email, username, locale }: Partial<Profile> = {}): Promise<void> {
    await this.users.update({ id }, { unverifiedSince: null, email, username, locale });
  }

  async renewUnverified(id: string, since: Date): Promise<void> {
    await this.users.update({ id, unverifiedSince: Not(IsNull()) }, { unverifiedSince: since });
  }

  deleteUnverified(before: Date): Promise<number> {
    return deleteInBatches(this.transactions.manager, 'latchkey.users', 'unverified_since < $1', [before]);
  }

  async deleteUnverifiedOf(emailKey: string): Promise<void> {
    await this.users.delete({ emailKey, unverifiedSince: Not(IsNull()) });
  }

  override async findByEmailKeys(emailKeys: readonly string[]): Promise<StoredUser[]> {
    return this.findAll(`${SELECT} WHERE email_key = ANY ($1::text[])`, emailKeys);
  }

  override async lockFree(ids: readonly string[]): Promise<StoredUser[]> {
    return this.findAll(`${SELECT} WHERE id = ANY ($1::uuid[]) FOR UPDATE SKIP LOCKED`, ids);
  }

  private async findOne(text: string, value: string): Promise<StoredUser | undefined> {
    return (await this.transactions.query<StoredUser>(text, [value])).rows[0];
  }

  private async findAll(text: string, values: readonly string[]): Promise<StoredUser[]> {
    return (await this.transactions.query<StoredUser>(text, [values])).rows;
  }

  private get users() {
    return this.transactions.manager.getRepository(UserEntity);
  }
}

/** A row of another store, and the columns of its user that were joined to it. */
function split<Row extends object>(joined: Row): WithUser<Row, StoredUser> {
  const row = joined as Row & Record<`user.${string}`, unknown>;
  const user: Record<string, unknown> = {};
  for (const [property] of COLUMNS) {
    user[property] = row[`user.${property}`];
    delete row[`user.${property}`];
  }
  return { ...row, user: user['id'] === null ? undefined : (user as unknown as StoredUser) };
}

function throwTaken(error: unknown): never {
  const taken =
    error instanceof QueryFailedError && (error.driverError as { code?: string }).code === UNIQUE_VIOLATION;
  throw taken ? new EmailTakenError() : error;
}
