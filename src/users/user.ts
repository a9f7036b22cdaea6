/** A person with an account. */
export interface User {
  /** Ours are UUIDs; those of a host's own user table may be anything, written as text. */
  id: string;
  /** As it was given; mail goes to exactly this. */
  email: string;
  username: string;
  /** The language of their mails; `null` for the application's default. */
  locale: string | null;
  /** Rises with every change of the password; what was begun under an earlier one is void. */
  credentialsVersion: number;
  /** Set while the account may neither sign in nor recover. */
  disabledAt: Date | null;
  /** Set while nobody has proven that the address is theirs; such an account cannot sign in. */
  unverifiedSince?: Date | null;
  createdAt: Date;
}

/** What {@link UserStore} keeps of a user. Never leaves this folder. */
export interface StoredUser extends User {
  /** By this, and nothing else, addresses are compared; see `parseEmailAddress`. */
  emailKey: string;
  passwordHash: string;
}

/** A user as a {@link UserStore} is given it; the store chooses the id. */
export type NewStoredUser = Omit<StoredUser, 'id'>;
