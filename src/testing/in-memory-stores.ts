import { Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { Session, SessionStore } from '../auth';
import { PasswordReset, PasswordResetStore } from '../password-reset';
import { EmailTakenError, NewStoredUser, StoredUser, User, UserStore } from '../users';
import { InMemoryTable, InMemoryTransactions } from './in-memory-transactions';

@Injectable()
export class InMemoryUserStore extends UserStore {
  private readonly users: InMemoryTable<StoredUser>;

  constructor(transactions: InMemoryTransactions) {
    super();
    this.users = new InMemoryTable(transactions);
  }

  findById(id: string): Promise<StoredUser | undefined> {
    return Promise.resolve(this.users.get(id));
  }

  findByEmailKey(emailKey: string): Promise<StoredUser | undefined> {
    return Promise.resolve(this.users.filter((user) => user.emailKey === emailKey)[0]);
  }

  /** Transactions run one after the other, so nobody else can change the user meanwhile. */
  lock(id: string): Promise<StoredUser | undefined> {
    return this.findById(id);
  }

  async insert(newUser: NewStoredUser): Promise<StoredUser> {
    if (await this.findByEmailKey(newUser.emailKey)) throw new EmailTakenError();
    const user = { ...newUser, unverifiedSince: newUser.unverifiedSince ?? null, id: randomUUID() };
    this.users.put(user);
    return user;
  }

  async setPassword(id: string, passwordHash: string): Promise<void> {
    const user = await this.findById(id);
    if (user) this.users.put({ ...user, passwordHash, credentialsVersion: user.credentialsVersion + 1 });
  }

  async upgradeHash(id: string, oldHash: string, newHash: string): Promise<void> {
    const user = await this.findById(id);
    if (user?.passwordHash === oldHash) this.users.put({ ...user, passwordHash: newHash });
  }

  override async setEmail(id: string, email: string, emailKey: string): Promise<void> {
    const other = await this.findByEmailKey(emailKey);
    if (other && other.id !== id) throw new EmailTakenError();
    const user = await this.findById(id);
    if (user) this.users.put({ ...user, email, emailKey });
  }

  override async verify(
    id: string,
    { username, locale }: Partial<Pick<User, 'username' | 'locale'>> = {},
  ): Promise<void> {
    const user = await this.findById(id);
    if (!user) return;
    const profile = {
      username: username ?? user.username,
      locale: locale === undefined ? user.locale : locale,
    };
    this.users.put({ ...user, ...profile, unverifiedSince: null });
  }

  override async renewUnverified(id: string, since: Date): Promise<void> {
    const user = await this.findById(id);
    if (user?.unverifiedSince) this.users.put({ ...user, unverifiedSince: since });
  }

  override deleteUnverified(before: Date): Promise<number> {
    const old = this.users.filter(({ unverifiedSince }) => !!unverifiedSince && unverifiedSince < before);
    for (const { id } of old) this.users.delete(id);
    return Promise.resolve(old.length);
  }

  override async deleteUnverifiedOf(emailKey: string): Promise<void> {
    const user = await this.findByEmailKey(emailKey);
    if (user?.unverifiedSince) this.users.delete(user.id);
  }
}

@Injectable()
export class InMemorySessionStore extends SessionStore {
  private readonly sessions: InMemoryTable<Session>;

  constructor(transactions: InMemoryTransactions) {
    super();
    this.sessions = new InMemoryTable(transactions);
  }

  insert(session: Session): Promise<void> {
    return Promise.resolve(this.sessions.put(session));
  }

  findById(id: string): Promise<Session | undefined> {
    return Promise.resolve(this.sessions.get(id));
  }

  listOf(userId: string): Promise<Session[]> {
    const found = this.sessions.filter((session) => session.userId === userId);
    return Promise.resolve(found.sort((a, b) => b.createdAt.getTime() - a.createdAt.getTime()));
  }

  touch(id: string, lastSeenAt: Date): Promise<void> {
    const session = this.sessions.get(id);
    if (session) this.sessions.put({ ...session, lastSeenAt });
    return Promise.resolve();
  }

  delete(id: string): Promise<boolean> {
    return Promise.resolve(deleteAll(this.sessions, (session) => session.id === id) === 1);
  }

  deleteAllOf(userId: string): Promise<number> {
    return Promise.resolve(deleteAll(this.sessions, (session) => session.userId === userId));
  }

  deleteExpired(before: Date): Promise<number> {
    return Promise.resolve(deleteAll(this.sessions, ({ expiresAt }) => expiresAt < before));
  }
}

@Injectable()
export class InMemoryPasswordResetStore extends PasswordResetStore {
  private readonly resets: InMemoryTable<PasswordReset>;

  constructor(transactions: InMemoryTransactions) {
    super();
    this.resets = new InMemoryTable(transactions);
  }

  insert(reset: PasswordReset): Promise<void> {
    return Promise.resolve(this.resets.put(reset));
  }

  findById(id: string): Promise<PasswordReset | undefined> {
    return Promise.resolve(this.resets.get(id));
  }

  createdSince(userId: string, since: Date): Promise<Date[]> {
    const found = this.resets.filter((reset) => reset.userId === userId && reset.createdAt > since);
    return Promise.resolve(found.map(({ createdAt }) => createdAt).sort((a, b) => b.getTime() - a.getTime()));
  }

  isUsedAfter(userId: string, moment: Date): Promise<boolean> {
    const used = this.resets.filter(
      (reset) => reset.userId === userId && !!reset.usedAt && reset.usedAt > moment,
    );
    return Promise.resolve(used.length > 0);
  }

  prolong(id: string, expiresAt: Date, mailedAt: Date | null): Promise<boolean> {
    const reset = this.resets.get(id);
    if (!reset || reset.mailedAt) return Promise.resolve(false);
    this.resets.put({ ...reset, expiresAt, mailedAt });
    return Promise.resolve(true);
  }

  spend(id: string, at: Date): Promise<boolean> {
    const reset = this.resets.get(id);
    if (!reset || reset.usedAt || reset.revokedAt || reset.expiresAt <= at) return Promise.resolve(false);
    this.resets.put({ ...reset, usedAt: at });
    return Promise.resolve(true);
  }

  revokeAllOf(userId: string, at: Date): Promise<void> {
    const live = this.resets.filter((reset) => reset.userId === userId && !reset.usedAt && !reset.revokedAt);
    for (const reset of live) this.resets.put({ ...reset, revokedAt: at });
    return Promise.resolve();
  }

  disavow(id: string, at: Date): Promise<boolean> {
    const reset = this.resets.get(id);
    if (!reset || reset.disavowedAt) return Promise.resolve(false);
    this.resets.put({ ...reset, disavowedAt: at });
    return Promise.resolve(true);
  }

  deleteExpired(before: Date): Promise<number> {
    return Promise.resolve(deleteAll(this.resets, ({ expiresAt }) => expiresAt < before));
  }
}

function deleteAll<Row extends { id: string }>(
  table: InMemoryTable<Row>,
  matches: (row: Row) => boolean,
): number {
  const rows = table.filter(matches);
  for (const { id } of rows) table.delete(id);
  return rows.length;
}
