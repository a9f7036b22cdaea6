/** One sign-in. Its id is in the access token, whose signature is not stored: a stolen table opens nothing. */
export interface Session {
  id: string;
  userId: string;
  /** That of the user at sign-in; the session is void once the user's is higher. */
  credentialsVersion: number;
  createdAt: Date;
  expiresAt: Date;
}

/** Where sessions are kept. Default: {@link TypeOrmSessionStore}. */
export abstract class SessionStore {
  abstract insert(session: Session): Promise<void>;
  abstract findById(id: string): Promise<Session | undefined>;
  abstract delete(id: string): Promise<void>;
  abstract deleteAllOf(userId: string): Promise<void>;
}
