/** A person with an account. */
export interface User {
  /** Ours are UUIDs; those of a host's own user table may be anything, written as text. */
  id: string;
  /** As it was given; mail goes to exactly this. */
  email: string;
  username: string;
  /** The language of their mails; `null` for the application's default. */
  locale: string | null;
  /** Rises with every change of the credentials; sessions and links from before are dead. */
  credentialsVersion: number;
  /** Set while the account may neither sign in nor recover; see `UsersService.disable`. */
  disabledAt: Date | null;
  /** Set while nobody has proven that the address is theirs; such an account cannot sign in. */
  unverifiedSince?: Date | null;
  createdAt: Date;
}

/** What a person says about themselves; the address is another spelling of the account's, with the same key. */
export type Profile = Pick<User, 'email' | 'username' | 'locale'>;

/** What {@link UserStore} keeps of a user. Never leaves this folder. */
export interface StoredUser extends User {
  /** Addresses are compared by this only; see `parseEmailAddress`. */
  emailKey: string;
  passwordHash: string;
}

/** A row of another store and the user that it names, if there still is one. */
export type WithUser<Row, Found = User> = Row & { user: Found | undefined };

/** A user to insert; the store chooses the id. */
export type NewStoredUser = Omit<StoredUser, 'id'>;
