/** One sign-in. Its id is in the access token, whose signature is not stored: a stolen table opens nothing. */
export interface Session {
  id: string;
  userId: string;
  /** That of the user at sign-in; the session is void once the user's is higher. */
  credentialsVersion: number;
  createdAt: Date;
  expiresAt: Date;
  /** When it was last used, to about a minute; `null` counts as never since it was made. */
  lastSeenAt: Date | null;
  /** Address and program that it was begun with, for its owner to recognize it by; `null` where nobody has said. */
  ip: string | null;
  userAgent: string | null;
}

/** Where sessions are kept. Default: {@link TypeOrmSessionStore}. */
export abstract class SessionStore {
  abstract insert(session: Session): Promise<void>;

  abstract findById(id: string): Promise<Session | undefined>;

  /** @returns the sessions of a user, latest first */
  abstract listOf(userId: string): Promise<Session[]>;

  /** Sets when a session was last used. One that has gone meanwhile stays gone. */
  abstract touch(id: string, lastSeenAt: Date): Promise<void>;

  /** @returns whether it was there */
  abstract delete(id: string): Promise<boolean>;

  /** @returns how many there were */
  abstract deleteAllOf(userId: string): Promise<number>;

  /** Removes sessions that expired before a moment. @returns how many */
  abstract deleteExpired(before: Date): Promise<number>;
}
