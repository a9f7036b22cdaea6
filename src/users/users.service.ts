import { Injectable } from '@nestjs/common';
import {
  Clock,
  EmailAddress,
  OverloadedError,
  RequestSource,
  SecurityAct,
  SecurityEvents,
  Transactions,
} from '../common';
import type { FormerAddresses } from './former-addresses';
import { PasswordHasher } from './password-hasher';
import { isTooLong, TOO_LONG } from './password-length';
import { PasswordPolicy, PasswordProblem } from './password-policy';
import { UnverifiedUserStore } from './unverified-user-store';
import type { Profile, StoredUser, User, WithUser } from './user';
import { UserStore } from './user-store';
import { PasswordRejectedError } from './users.errors';

export interface NewUser {
  email: EmailAddress;
  username: string;
  password: string;
  locale?: string | null;
}

/** An account whose address nobody has proven yet. It has no password until the owner of the address sets one. */
export type UnverifiedUser = Omit<NewUser, 'password'>;

/**
 * No hash of any password, so that none is right: the way in is a reset. What follows is the hash of a password that was ended
 * by force, which must not come back (as a locked account of Unix has it).
 */
const UNUSABLE_PASSWORD = '!';

/**
 * Why a user's sessions and links end: a password was set by a mailed link (`reset`), by somebody signed in
 * (`password_changed`) or when a new account was confirmed (`registration`); the address changed (`email_changed`); no
 * password works any more (`sealed`); or access alone was revoked (`revoked`).
 */
export type CredentialsCause =
  'reset' | 'password_changed' | 'registration' | 'email_changed' | 'sealed' | 'revoked';

/**
 * Runs in the transaction that changes a user's credentials, to end sessions and links that the old ones opened.
 * @param user as they were locked before, where that is known
 */
export type CredentialsListener = (userId: string, cause: CredentialsCause, user?: User) => Promise<void>;

/** Runs in the transaction that disables an account, after the {@link CredentialsListener}s. */
export type DisableListener = (userId: string) => Promise<void>;

/** Runs at each sign-in of a user, before the session begins. */
export type SignInListener = (userId: string) => Promise<void>;

/** Whom a reset of the password is for. */
export interface Recoverable {
  /** With the address that the mail goes to. */
  user: User;
  /** Where that is a former address: the change of address that the reset undoes. */
  undoneChangeId: string | null;
}

/** Accounts and their passwords. */
@Injectable()
export class UsersService {
  private readonly credentialsListeners: CredentialsListener[] = [];
  private readonly disableListeners: DisableListener[] = [];
  private readonly signInListeners: SignInListener[] = [];
  private formerAddresses?: FormerAddresses;

  constructor(
    private readonly store: UserStore,
    private readonly hasher: PasswordHasher,
    private readonly policy: PasswordPolicy,
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly events: SecurityEvents,
  ) {}

  /** @throws PasswordRejectedError, EmailTakenError, OverloadedError */
  async create({ password, ...user }: NewUser): Promise<User> {
    const preparedPassword = await this.prepareFirstPassword(password, user);
    return this.insert({ ...user, preparedPassword }, null);
  }

  /**
   * Makes an account that can do nothing until somebody proves its address: by {@link changePassword} and
   * {@link markEmailVerified}, or by a reset.
   * @throws EmailTakenError
   */
  createUnverified(user: UnverifiedUser): Promise<User> {
    return this.transactions.run(async () => {
      const unverified = await this.insert(
        { ...user, preparedPassword: UNUSABLE_PASSWORD },
        this.clock.now(),
      );
      // Such a store would give the account to a person who only typed the address.
      if (!unverified.unverifiedSince)
        throw new Error('For registration by mail the UserStore has to keep "unverifiedSince".');
      return unverified;
    });
  }

  /** Like every method that returns a user: an unverified one goes by its address alone, see {@link unclaimed}. */
  async findById(id: string): Promise<User | undefined> {
    return withoutSecrets(await this.store.findById(id));
  }

  /** As {@link findById}, of an account that is not disabled. */
  async findEnabled(id: string): Promise<User | undefined> {
    const user = await this.findById(id);
    return user?.disabledAt ? undefined : user;
  }

  /** As {@link UserStore.findRowWithUser}. */
  findRowWithUser<Row extends { userId: string }>(
    text: string,
    values: unknown[],
  ): Promise<WithUser<Row> | undefined> | undefined {
    return this.store
      .findRowWithUser<Row>(text, values)
      ?.then((row) => row && { ...row, user: withoutSecrets(row.user) });
  }

  async findByEmail(email: EmailAddress): Promise<User | undefined> {
    return withoutSecrets(await this.store.findByEmailKey(email.key));
  }

  /** As {@link findByEmail}, of many addresses at once. @returns the accounts that there are, by the key of their address */
  async findAllByEmail(emailKeys: readonly string[]): Promise<Map<string, User>> {
    const users = await this.store.findByEmailKeys(emailKeys);
    return new Map(users.map((user) => [user.emailKey, withoutSecrets(user)]));
  }

  /**
   * Finds the accounts that resets requested for addresses are for: of each address the one that has it, or had it until a
   * short time ago, before one that somebody has only registered there.
   * @returns those that there are, by the key of the address
   */
  async findForRecovery(emailKeys: readonly string[]): Promise<Map<string, Recoverable>> {
    const users = await this.findAllByEmail(emailKeys);
    const found = new Map(
      [...users].map(([key, user]): [string, Recoverable] => [key, { user, undoneChangeId: null }]),
    );
    const isProven = (user?: User) => user && !user.unverifiedSince;
    const others = emailKeys.filter((key) => !isProven(users.get(key)));
    const former = others.length > 0 ? await this.formerAddresses?.findAll(others) : undefined;
    for (const [key, { userId, email, changeId }] of former ?? []) {
      const owner = await this.findById(userId);
      if (owner) found.set(key, { user: { ...owner, email }, undoneChangeId: changeId });
    }
    return found;
  }

  /** @returns the address that undoing a change would restore; `undefined` where it cannot be undone any more */
  async formerAddress(changeId: string): Promise<string | undefined> {
    return (await this.formerAddresses?.findByChange(changeId))?.email;
  }

  /**
   * Undoes a change of address, in the transaction under way, which has locked the account.
   * @returns the account with the address that it has again; `undefined` where that is too late
   * @throws EmailTakenError
   */
  async restoreAddress(changeId: string, user: User, source: RequestSource): Promise<User | undefined> {
    return this.formerAddresses?.restore(changeId, user, source);
  }

  /** Registers what knows changes of address; without it, no former address recovers an account. */
  useFormerAddresses(formerAddresses: FormerAddresses): void {
    this.formerAddresses = formerAddresses;
  }

  /** Reads a user and locks them until the current transaction ends. */
  async lock(id: string): Promise<User | undefined> {
    return withoutSecrets(await this.store.lock(id));
  }

  /**
   * As {@link lock}, of many users at once, without waiting: those that another transaction holds are left out.
   * @returns those that are locked, by their id
   */
  async lockFree(ids: readonly string[]): Promise<Map<string, User>> {
    const users = await this.store.lockFree(ids);
    return new Map(users.map((user) => [user.id, withoutSecrets(user)]));
  }

  /**
   * The user whose address and password these are. Takes the same time whatever is wrong.
   * @throws OverloadedError
   */
  async authenticate(email: EmailAddress | undefined, password: string): Promise<User | undefined> {
    const user = email && (await this.store.findByEmailKey(email.key));
    const right = await this.verifyPasswordHash(password, user?.passwordHash);
    if (!user || !right || user.disabledAt || user.unverifiedSince) return undefined;
    if (this.hasher.isOutdated(user.passwordHash)) await this.upgradeHash(user, password);
    return withoutSecrets(user);
  }

  /** Whether a password is the user's. Takes the same time whatever is wrong. @throws OverloadedError */
  async hasPassword(userId: string, password: string): Promise<boolean> {
    const user = await this.store.findById(userId);
    return this.verifyPasswordHash(password, user?.passwordHash);
  }

  /**
   * Checks and hashes the password of an account that does not exist yet.
   * @throws PasswordRejectedError, OverloadedError
   */
  async prepareFirstPassword(
    password: string,
    user: { email: EmailAddress; username: string },
  ): Promise<string> {
    await this.assertAcceptable(password, { email: user.email.address, username: user.username });
    return this.hasher.hash(password);
  }

  /**
   * Whether a hash is of this password. Takes the same time whatever is wrong. A password that is too long is wrong for
   * every account, at the same cost as any password for no account.
   * @throws OverloadedError
   */
  verifyPasswordHash(password: string, hash: string | undefined): Promise<boolean> {
    return isTooLong(password) ? this.hasher.verify('', undefined) : this.hasher.verify(password, hash);
  }

  /**
   * Checks and hashes a new password for a user. Slow on purpose, so call it before a transaction, never inside one.
   * @param known.email what the password must not contain, where that is not the address that the account has now
   * @param known.present the present password, where it has just been typed: it must not be the new one
   * @returns what {@link changePassword} stores; `undefined` when the account is gone
   * @throws PasswordRejectedError, OverloadedError
   */
  async prepareNewPassword(
    userId: string,
    password: string,
    { email, present }: { email?: string; present?: string } = {},
  ): Promise<string | undefined> {
    const user = await this.store.findById(userId);
    if (!user) return undefined;
    const account = unclaimed(user);
    await this.assertAcceptable(password, { ...account, email: email ?? account.email });
    if (present?.normalize() === password.normalize())
      refuse([{ reason: 'unchanged', message: 'Choose a password that you do not have already.' }]);
    if (await this.isEnded(password, user))
      refuse([{ reason: 'ended', message: 'Choose another one: others may know this one.' }]);
    return this.hasher.hash(password);
  }

  /**
   * Stores a prepared password and ends everything that the old one opened, all or nothing.
   * @param user as it has been locked in the transaction under way, where that is so
   */
  changePassword(
    userId: string,
    preparedPassword: string,
    cause: CredentialsCause,
    user?: User,
  ): Promise<void> {
    return this.transactions.run(async () => {
      await this.store.setPassword(userId, preparedPassword);
      for (const listener of this.credentialsListeners) await listener(userId, cause, user);
    });
  }

  /**
   * Somebody has proven that the address of an account is theirs.
   * @param profile theirs. Nothing stays that a stranger has typed before (Sudhodanan and Paverd, "Pre-hijacked
   *   accounts", 2022), so without it the account gets what {@link unclaimed} makes of its address
   */
  async markEmailVerified(userId: string, profile?: Profile): Promise<void> {
    const user = await this.store.findById(userId);
    if (!user?.unverifiedSince) return;
    const { email, username, locale } = profile ?? unclaimed(user);
    await this.unverifiedUsers.markEmailVerified(userId, { email, username, locale });
  }

  /** An account was registered again before its address was proven: it is kept as long as a new one. */
  async renewUnverified(userId: string): Promise<void> {
    await this.unverifiedUsers.renewUnverified(userId, this.clock.now());
  }

  /** Deletes accounts that have been unverified since before a moment. @returns how many */
  async deleteUnverified(before: Date): Promise<number> {
    return this.unverifiedUsers.deleteUnverified(before);
  }

  /**
   * Changes the address of an account to one that its owner has proven, and revokes what the old one could open.
   * @throws EmailTakenError
   */
  changeEmail(userId: string, email: EmailAddress): Promise<void> {
    return this.transactions.run(async () => {
      // Anybody can type an address into a registration; that must not keep its owner from using it.
      if (this.store instanceof UnverifiedUserStore) await this.store.deleteUnverifiedOf(email.key);
      await this.store.setEmail(userId, email.address, email.key);
      await this.revokeAccess(userId, 'email_changed');
    });
  }

  /** Ends everything that the credentials of a user opened, sessions and links alike; the password stays. */
  revokeAccess(userId: string, cause: CredentialsCause = 'revoked'): Promise<void> {
    return this.transactions.run(async () => {
      await this.store.raiseCredentialsVersion(userId);
      for (const listener of this.credentialsListeners) await listener(userId, cause);
    });
  }

  /** Like {@link revokeAccess}, and no password works any more until a reset sets one, which must be another. */
  setUnusablePassword(userId: string): Promise<void> {
    return this.transactions.run(async () => {
      const ended = (await this.store.lock(userId))?.passwordHash.replace(/^!/, '') ?? '';
      await this.changePassword(userId, UNUSABLE_PASSWORD + ended, 'sealed');
    });
  }

  /**
   * Disables an account: nobody can sign in to it or recover it. All its sessions and mailed links are revoked for good,
   * even if the account is enabled again (OWASP ASVS 7.4.2).
   * @returns whether there is such an account
   */
  disable(userId: string): Promise<boolean> {
    return this.transactions.run(async () => {
      const user = await this.store.lock(userId);
      if (!user) return false;
      await this.setDisabled(user, user.disabledAt ?? this.clock.now(), 'account_disabled');
      return true;
    });
  }

  /**
   * Enables a disabled account: its owner can sign in and recover again. Sessions and links from before stay revoked, even
   * if it was disabled directly in its table.
   * @returns whether there is such an account and it was disabled
   */
  enable(userId: string): Promise<boolean> {
    return this.transactions.run(async () => {
      const user = await this.store.lock(userId);
      if (!user?.disabledAt) return false;
      await this.setDisabled(user, null, 'account_enabled');
      return true;
    });
  }

  /** Registers what else must end, in the same transaction, when an account is disabled. */
  onDisable(listener: DisableListener): void {
    this.disableListeners.push(listener);
  }

  /**
   * Registers what must happen in the same transaction whenever credentials change: sessions end, links are revoked. A new
   * way to change credentials cannot forget one of them.
   */
  onCredentialsChange(listener: CredentialsListener): void {
    this.credentialsListeners.push(listener);
  }

  /** Registers what must happen at each sign-in. Keep it cheap. */
  onSignIn(listener: SignInListener): void {
    this.signInListeners.push(listener);
  }

  /** A user has shown their credentials, and is about to be signed in. */
  async signedIn(userId: string): Promise<void> {
    for (const listener of this.signInListeners) await listener(userId);
  }

  /** The length first: no policy and no hasher gets a text without bounds. @throws PasswordRejectedError */
  private async assertAcceptable(password: string, account: Pick<User, 'email' | 'username'>): Promise<void> {
    refuse(isTooLong(password) ? [TOO_LONG] : await this.policy.check(password, account));
  }

  /** Whether a password is the one that was ended by force. */
  private async isEnded(password: string, { passwordHash }: StoredUser): Promise<boolean> {
    if (!passwordHash.startsWith(UNUSABLE_PASSWORD)) return false;
    const ended = passwordHash.slice(UNUSABLE_PASSWORD.length);
    return ended !== '' && this.verifyPasswordHash(password, ended);
  }

  private async setDisabled(user: StoredUser, disabledAt: Date | null, act: SecurityAct): Promise<void> {
    await this.store.setDisabled(user.id, disabledAt);
    await this.revokeAccess(user.id);
    for (const listener of this.disableListeners) await listener(user.id);
    await this.events.record({ act, outcome: 'success', userId: user.id });
  }

  private get unverifiedUsers(): UnverifiedUserStore {
    if (this.store instanceof UnverifiedUserStore) return this.store;
    throw new Error('For registration by mail, the UserStore has to extend UnverifiedUserStore.');
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
  const { passwordHash: _, emailKey: __, ...rest } = unclaimed(user);
  return rest;
}

/**
 * A user without what strangers may have typed. As long as nobody has proven the address, nobody has said anything about
 * the account that counts: it goes by the key of its address, which is the same for every spelling.
 */
function unclaimed(user: StoredUser): StoredUser {
  if (!user.unverifiedSince) return user;
  const { emailKey } = user;
  return { ...user, email: emailKey, username: emailKey.slice(0, emailKey.lastIndexOf('@')), locale: null };
}
