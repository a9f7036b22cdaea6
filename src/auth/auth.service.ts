import { Injectable, OnModuleInit } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { Authenticated, Clock, EmailAddress, RequestSource, secondsAfter, SignedTokens } from '../common';
import { User, UsersService } from '../users';
import { AuthOptions } from './auth.options';
import { InvalidCredentialsError } from './invalid-credentials.error';
import { WrongPasswordError } from './wrong-password.error';
import { SessionStore } from './session-store';

/** What a client gets for the right password (RFC 6750). */
export interface AccessToken {
  accessToken: string;
  tokenType: 'Bearer';
  /** Seconds. */
  expiresIn: number;
}

const PURPOSE = 'access';

/** Sign-in, sign-out, and who a token belongs to. */
@Injectable()
export class AuthService implements OnModuleInit {
  constructor(
    private readonly users: UsersService,
    private readonly sessions: SessionStore,
    private readonly tokens: SignedTokens,
    private readonly clock: Clock,
    private readonly options: AuthOptions,
  ) {}

  onModuleInit(): void {
    this.users.onCredentialsChange((userId) => this.sessions.deleteAllOf(userId));
  }

  /**
   * @param email `undefined` where what was typed is no address; costs as much time as any wrong sign-in
   * @throws InvalidCredentialsError, alike and in like time for every cause; OverloadedError
   */
  async login(
    email: EmailAddress | undefined,
    password: string,
    _source: RequestSource,
  ): Promise<AccessToken> {
    const user = await this.users.authenticate(email, password);
    if (!user) throw new InvalidCredentialsError();
    return this.startSession(user);
  }

  /** Signs a user in whose credentials have been checked. */
  async startSession(user: User): Promise<AccessToken> {
    const createdAt = this.clock.now();
    const expiresAt = secondsAfter(createdAt, this.options.sessionTtlSeconds);
    const id = randomUUID();
    // The version read together with the password: if a reset commits in between, this session is void from the start.
    const { credentialsVersion } = user;
    await this.sessions.insert({ id, userId: user.id, credentialsVersion, createdAt, expiresAt });
    return {
      accessToken: this.tokens.sign(PURPOSE, id, expiresAt),
      tokenType: 'Bearer',
      expiresIn: this.options.sessionTtlSeconds,
    };
  }

  /**
   * Makes sure that it is the owner who acts in a session, before something that a thief of the session must not do.
   * A wrong password counts as a failed sign-in.
   * @throws WrongPasswordError, OverloadedError
   */
  async reauthenticate(user: User, password: string, _source: RequestSource): Promise<void> {
    if (!(await this.users.hasPassword(user.id, password))) throw new WrongPasswordError();
  }

  /** @returns user and session of an access token; `undefined` when it is forged, too old, or its session has ended */
  async authenticate(accessToken: string): Promise<Authenticated<User> | undefined> {
    const sessionId = this.sessionIdOf(accessToken);
    const session = sessionId && (await this.sessions.findById(sessionId));
    if (!session || session.expiresAt <= this.clock.now()) return undefined;
    const user = await this.users.findById(session.userId);
    if (!user || user.disabledAt || user.credentialsVersion !== session.credentialsVersion) return undefined;
    return { user, sessionId: session.id };
  }

  /** Ends a session: its access token is refused from now on. */
  async logout(sessionId: string): Promise<void> {
    await this.sessions.delete(sessionId);
  }

  private sessionIdOf(accessToken: string): string | undefined {
    try {
      return this.tokens.verify(PURPOSE, accessToken).id;
    } catch {
      return undefined;
    }
  }
}
