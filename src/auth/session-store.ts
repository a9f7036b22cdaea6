import type { UsersService, WithUser } from '../users';

/** One sign-in. Its id is in the access token, whose signature is not stored: a stolen table opens nothing. */
export interface Session {
  id: string;
  userId: string;
  /** That of the user at sign-in; the session is dead once the user's is higher. */
  credentialsVersion: number;
  createdAt: Date;
  expiresAt: Date;
  /** When it was last used, to about a minute; `null` if never since it was made. */
  lastSeenAt: Date | null;
  /** Address and program at sign-in, by which the owner recognizes it; `null` if unknown. */
  ip: string | null;
  userAgent: string | null;
}

/** Where sessions are kept. Default: {@link TypeOrmSessionStore}. */
export abstract class SessionStore {
  abstract insert(session: Session): Promise<void>;

  abstract findById(id: string): Promise<Session | undefined>;

  /** Finds a session and its user: one after the other, where a store cannot do it in one statement. */
  async findWithUser(id: string, users: UsersService): Promise<WithUser<Session> | undefined> {
    const session = await this.findById(id);
    return session && { ...session, user: await users.findById(session.userId) };
  }

  /** @returns the sessions of a user, latest first */
  abstract listOf(userId: string): Promise<Session[]>;

  /** Sets when a session was last used. A session that was deleted meanwhile stays deleted. */
  abstract touch(id: string, lastSeenAt: Date): Promise<void>;

  /** @returns whether it existed */
  abstract delete(id: string): Promise<boolean>;

  /** @returns how many there were */
  abstract deleteAllOf(userId: string): Promise<number>;

  /** Deletes sessions that expired before a moment. @returns how many */
  abstract deleteExpired(before: Date): Promise<number>;
}
