import type { RequestSource } from '../common';
import type { User } from './user';

/** An address that an account had until a short time ago. */
export interface FormerAddress {
  userId: string;
  /** As the account had it. */
  email: string;
  /** The change of address that took it from the account. */
  changeId: string;
}

/** What knows changes of address, and can undo one. See {@link UsersService.useFormerAddresses}. */
export interface FormerAddresses {
  /**
   * @returns by the key of an address, of those that are given, the account that had it, where the change is young enough to
   *   be undone
   */
  findAll(emailKeys: readonly string[]): Promise<Map<string, FormerAddress>>;

  /** @returns what a change took from an account, unless it has been undone */
  findByChange(changeId: string): Promise<FormerAddress | undefined>;

  /**
   * Undoes a change, and every later one of the account, in the transaction under way, which has locked the account.
   * @param user the account, as it was locked
   * @returns it with the address that it has again; `undefined` where the change has been undone before
   * @throws EmailTakenError where another account has the address now
   */
  restore(changeId: string, user: User, source: RequestSource): Promise<User | undefined>;
}
