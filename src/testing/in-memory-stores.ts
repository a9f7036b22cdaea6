import { Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { Session, SessionStore } from '../auth';
import { PasswordReset, PasswordResetStore } from '../password-reset';
import { EmailTakenError, NewStoredUser, Profile, StoredUser, UnverifiedUserStore } from '../users';
import { InMemoryTable, InMemoryTransactions } from './in-memory-transactions';

@Injectable()
export class InMemoryUserStore extends UnverifiedUserStore {
  protected readonly users: InMemoryTable<StoredUser>;

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

  override lockFree(ids: readonly string[]): Promise<StoredUser[]> {
    return Promise.resolve(ids.flatMap((id) => this.users.get(id) ?? []));
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

  async raiseCredentialsVersion(id: string): Promise<void> {
    const user = await this.findById(id);
    if (user) this.users.put({ ...user, credentialsVersion: user.credentialsVersion + 1 });
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

  override async setDisabled(id: string, disabledAt: Date | null): Promise<void> {
    const user = await this.findById(id);
    if (user) this.users.put({ ...user, disabledAt });
  }

  async markEmailVerified(id: string, { email, username, locale }: Partial<Profile> = {}): Promise<void> {
    const user = await this.findById(id);
    if (!user) return;
    const profile = {
      email: email ?? user.email,
      username: username ?? user.username,
      locale: locale === undefined ? user.locale : locale,
    };
    this.users.put({ ...user, ...profile, unverifiedSince: null });
  }

  async renewUnverified(id: string, since: Date): Promise<void> {
    const user = await this.findById(id);
    if (user?.unverifiedSince) this.users.put({ ...user, unverifiedSince: since });
  }

  deleteUnverified(before: Date): Promise<number> {
    const old = this.users.filter(({ unverifiedSince }) => !!unverifiedSince && unverifiedSince < before);
    for (const { id } of old) this.users.delete(id);
    return Promise.resolve(old.length);
  }

  async deleteUnverifiedOf(emailKey: string): Promise<void> {
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

  openSince(userId: string, since: Date): Promise<PasswordReset[]> {
    const found = this.resets.filter((reset) => isOpenOf(userId)(reset) && reset.createdAt > since);
    return Promise.resolve(found.sort((a, b) => b.createdAt.getTime() - a.createdAt.getTime()));
  }

  isUsedAfter(userId: string, moment: Date): Promise<boolean> {
    const used = this.resets.filter(
      (reset) => reset.userId === userId && !!reset.usedAt && reset.usedAt > moment,
    );
    return Promise.resolve(used.length > 0);
  }

  renew(id: string, expiresAt: Date): Promise<boolean> {
    const reset = this.resets.get(id);
    if (!reset || reset.mailedAt || reset.usedAt || reset.revokedAt) return Promise.resolve(false);
    this.resets.put({ ...reset, expiresAt });
    return Promise.resolve(true);
  }

  markMailed(id: string, at: Date): Promise<boolean> {
    const reset = this.resets.get(id);
    if (!reset || reset.mailedAt) return Promise.resolve(false);
    this.resets.put({ ...reset, mailedAt: at });
    return Promise.resolve(true);
  }

  spend(id: string, at: Date): Promise<boolean> {
    const reset = this.resets.get(id);
    if (!reset || reset.usedAt || reset.revokedAt || reset.expiresAt <= at) return Promise.resolve(false);
    this.resets.put({ ...reset, usedAt: at });
    return Promise.resolve(true);
  }

  revokeAllOf(userId: string, at: Date): Promise<void> {
    const open = this.resets.filter(isOpenOf(userId)).filter(({ undoneChangeId }) => !undoneChangeId);
    for (const reset of open) this.resets.put({ ...reset, revokedAt: at });
    return Promise.resolve();
  }

  discount(id: string, at: Date): Promise<void> {
    return this.discountThose((reset) => reset.id === id, at);
  }

  discountAllOf(userId: string, at: Date): Promise<void> {
    const isOpen = isOpenOf(userId);
    return this.discountThose((reset) => isOpen(reset) && !reset.undoneChangeId, at);
  }

  disavow(id: string, at: Date): Promise<boolean> {
    const reset = this.resets.get(id);
    if (!reset || reset.disavowedAt) return Promise.resolve(false);
    this.resets.put({ ...reset, disavowedAt: at });
    return Promise.resolve(true);
  }

  override disavowAllOf(userId: string, at: Date): Promise<void> {
    const open = this.resets.filter((reset) => reset.userId === userId && !reset.disavowedAt);
    for (const reset of open) this.resets.put({ ...reset, disavowedAt: at });
    return Promise.resolve();
  }

  deleteExpired(before: Date): Promise<number> {
    return Promise.resolve(deleteAll(this.resets, ({ expiresAt }) => expiresAt < before));
  }

  private discountThose(matches: (reset: PasswordReset) => boolean, at: Date): Promise<void> {
    const counted = this.resets.filter((reset) => !reset.discountedAt && matches(reset));
    for (const reset of counted) this.resets.put({ ...reset, discountedAt: at });
    return Promise.resolve();
  }
}

function isOpenOf(userId: string) {
  return (reset: PasswordReset) => reset.userId === userId && !reset.usedAt && !reset.revokedAt;
}

function deleteAll<Row extends { id: string }>(
  table: InMemoryTable<Row>,
  matches: (row: Row) => boolean,
): number {
  const rows = table.filter(matches);
  for (const { id } of rows) table.delete(id);
  return rows.length;
}
