import { Injectable } from '@nestjs/common';
import { Clock, EmailAddress, OverloadedError, Transactions } from '../common';
import { PasswordHasher } from './password-hasher';
import { PasswordPolicy, PasswordProblem } from './password-policy';
import { PasswordRejectedError } from './password-rejected.error';
import type { StoredUser, User } from './user';
import { UserStore } from './user-store';

export interface NewUser {
  email: EmailAddress;
  username: string;
  password: string;
  locale?: string | null;
}

/** Runs in the transaction that changes a user's credentials, to end what the old ones opened. */
export type CredentialsListener = (userId: string) => Promise<void>;

/** Accounts and their passwords. */
@Injectable()
export class UsersService {
  private readonly credentialsListeners: CredentialsListener[] = [];

  constructor(
    private readonly store: UserStore,
    private readonly hasher: PasswordHasher,
    private readonly policy: PasswordPolicy,
    private readonly transactions: Transactions,
    private readonly clock: Clock,
  ) {}

  /** @throws PasswordRejectedError, EmailTakenError, OverloadedError */
  async create({ email, username, password, locale = null }: NewUser): Promise<User> {
    refuse(await this.policy.check(password, { email: email.address, username }));
    const user = await this.store.insert({
      email: email.address,
      emailKey: email.key,
      username,
      locale,
      passwordHash: await this.hasher.hash(password),
      credentialsVersion: 1,
      disabledAt: null,
      createdAt: this.clock.now(),
    });
    return withoutSecrets(user);
  }

  async findById(id: string): Promise<User | undefined> {
    return withoutSecrets(await this.store.findById(id));
  }

  async findByEmail(email: EmailAddress): Promise<User | undefined> {
    return withoutSecrets(await this.store.findByEmailKey(email.key));
  }

  /** Reads a user and keeps everybody else from changing them until the transaction under way ends. */
  async lock(id: string): Promise<User | undefined> {
    return withoutSecrets(await this.store.lock(id));
  }

  /**
   * The user whose address and password these are. Takes the same time whatever is wrong.
   * @throws OverloadedError
   */
  async authenticate(email: EmailAddress | undefined, password: string): Promise<User | undefined> {
    const user = email && (await this.store.findByEmailKey(email.key));
    const right = await this.hasher.verify(password, user?.passwordHash);
    if (!user || !right || user.disabledAt) return undefined;
    if (this.hasher.isOutdated(user.passwordHash)) await this.upgradeHash(user, password);
    return withoutSecrets(user);
  }

  /**
   * Checks and hashes a new password for a user. Slow on purpose, so call it before a transaction, never inside one.
   * @returns what {@link changePassword} stores
   * @throws PasswordRejectedError, OverloadedError
   */
  async prepareNewPassword(userId: string, password: string): Promise<string> {
    const user = await this.store.findById(userId);
    if (!user) throw new Error('There is no such user any more.');
    const problems = await this.policy.check(password, user);
    refuse(problems);
    if (await this.hasher.verify(password, user.passwordHash)) {
      refuse([{ reason: 'unchanged', message: 'Choose a password that you do not have already.' }]);
    }
    return this.hasher.hash(password);
  }

  /** Stores a prepared password and ends everything that the old one opened, all or nothing. */
  changePassword(userId: string, preparedPassword: string): Promise<void> {
    return this.transactions.run(async () => {
      await this.store.setPassword(userId, preparedPassword);
      for (const listener of this.credentialsListeners) await listener(userId);
    });
  }

  /**
   * Registers what must happen in the same transaction whenever credentials change, on whatever road: sessions end,
   * links die. So whoever adds a new road cannot forget one of them.
   */
  onCredentialsChange(listener: CredentialsListener): void {
    this.credentialsListeners.push(listener);
  }

  private async upgradeHash(user: StoredUser, password: string): Promise<void> {
    try {
      await this.store.upgradeHash(user.id, user.passwordHash, await this.hasher.hash(password));
    } catch (error) {
      // A busy server leaves it to the next sign-in; this one has succeeded.
      if (!(error instanceof OverloadedError)) throw error;
    }
  }
}

function refuse(problems: PasswordProblem[]): void {
  if (problems.length > 0) throw new PasswordRejectedError(problems);
}

function withoutSecrets(user: StoredUser): User;
function withoutSecrets(user: StoredUser | undefined): User | undefined;
function withoutSecrets(user: StoredUser | undefined): User | undefined {
  if (!user) return undefined;
  const { id, email, username, locale, credentialsVersion, disabledAt, createdAt } = user;
  return { id, email, username, locale, credentialsVersion, disabledAt, createdAt };
}
