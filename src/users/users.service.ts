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

/** An account whose address nobody has proven yet. It has no password: who proves the address brings one. */
export type UnverifiedUser = Omit<NewUser, 'password'>;

/** No hash of any password, so that none is right: who wants in has to recover. */
const UNUSABLE_PASSWORD = '!';

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
  async create({ password, ...user }: NewUser): Promise<User> {
    const preparedPassword = await this.prepareFirstPassword(password, user);
    return this.insert({ ...user, preparedPassword }, null);
  }

  /**
   * Makes an account that can do nothing until somebody proves its address: by {@link changePassword} and {@link verify},
   * or by a reset.
   * @throws EmailTakenError
   */
  createUnverified(user: UnverifiedUser): Promise<User> {
    return this.transactions.run(async () => {
      const unverified = await this.insert(
        { ...user, preparedPassword: UNUSABLE_PASSWORD },
        this.clock.now(),
      );
      // Such a store would give the account to whoever has typed the address.
      if (!unverified.unverifiedSince)
        throw new Error('For registration by mail the UserStore has to keep "unverifiedSince".');
      return unverified;
    });
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
    if (!user || !right || user.disabledAt || user.unverifiedSince) return undefined;
    if (this.hasher.isOutdated(user.passwordHash)) await this.upgradeHash(user, password);
    return withoutSecrets(user);
  }

  /** Whether a password is the user's. Takes the same time whatever is wrong. @throws OverloadedError */
  async hasPassword(userId: string, password: string): Promise<boolean> {
    const user = await this.store.findById(userId);
    return this.hasher.verify(password, user?.passwordHash);
  }

  /**
   * Checks and hashes the password of an account that is not there yet.
   * @throws PasswordRejectedError, OverloadedError
   */
  async prepareFirstPassword(
    password: string,
    user: { email: EmailAddress; username: string },
  ): Promise<string> {
    refuse(await this.policy.check(password, { email: user.email.address, username: user.username }));
    return this.hasher.hash(password);
  }

  /** Whether a password is the one that was prepared. Slow on purpose, as that was. @throws OverloadedError */
  matches(preparedPassword: string, password: string): Promise<boolean> {
    return this.hasher.verify(password, preparedPassword);
  }

  /**
   * Checks and hashes a new password for a user. Slow on purpose, so call it before a transaction, never inside one.
   * @returns what {@link changePassword} stores; `undefined` when the account is gone
   * @throws PasswordRejectedError, OverloadedError
   */
  async prepareNewPassword(userId: string, password: string): Promise<string | undefined> {
    const user = await this.store.findById(userId);
    if (!user) return undefined;
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

  /** Somebody has proven that an account's address is theirs. */
  verify(userId: string, profile: Partial<Pick<User, 'username' | 'locale'>> = {}): Promise<void> {
    return this.store.verify(userId, profile);
  }

  /** An account was registered anew before its address was proven: from now on it is kept as long as a new one. */
  renewUnverified(userId: string): Promise<void> {
    return this.store.renewUnverified(userId, this.clock.now());
  }

  /** Removes accounts that have been unverified since before a moment. @returns how many */
  deleteUnverified(before: Date): Promise<number> {
    return this.store.deleteUnverified(before);
  }

  /**
   * Changes the address of an account to one that its owner has proven, and ends what the old one could open.
   * @throws EmailTakenError
   */
  changeEmail(userId: string, email: EmailAddress): Promise<void> {
    return this.transactions.run(async () => {
      // Anybody can type an address into a registration; that must not keep its owner from using it.
      await this.store.deleteUnverifiedOf(email.key);
      await this.store.setEmail(userId, email.address, email.key);
      await this.revokeAccess(userId);
    });
  }

  /** Ends everything that the credentials of a user opened, sessions and links alike; the password stays. */
  revokeAccess(userId: string): Promise<void> {
    return this.transactions.run(async () => {
      const user = await this.store.lock(userId);
      if (user) await this.changePassword(userId, user.passwordHash);
    });
  }

  /** As {@link revokeAccess}, and no password is right any more until one is set by a reset. */
  sealPassword(userId: string): Promise<void> {
    return this.changePassword(userId, UNUSABLE_PASSWORD);
  }

  /**
   * Registers what must happen in the same transaction whenever credentials change, on whatever road: sessions end,
   * links die. So whoever adds a new road cannot forget one of them.
   */
  onCredentialsChange(listener: CredentialsListener): void {
    this.credentialsListeners.push(listener);
  }

  private async insert(
    { email, username, locale = null, preparedPassword }: UnverifiedUser & { preparedPassword: string },
    unverifiedSince: Date | null,
  ): Promise<User> {
    const user = await this.store.insert({
      email: email.address,
      emailKey: email.key,
      username,
      locale,
      passwordHash: preparedPassword,
      credentialsVersion: 1,
      disabledAt: null,
      unverifiedSince,
      createdAt: this.clock.now(),
    });
    return withoutSecrets(user);
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
  const { passwordHash: _, emailKey: __, ...rest } = user;
  return rest;
}
