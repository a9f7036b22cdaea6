import { Injectable } from '@nestjs/common';
import {
  Authenticated,
  EmailAddress,
  parseEmailAddress,
  RequestSource,
  SecurityEvents,
  SignedTokens,
} from '../common';
import { User, UsersService } from '../users';
import { AuthOptions } from './auth.options';
import { FailedLogins } from './failed-logins';
import { InvalidCredentialsError } from './invalid-credentials.error';
import { SignInNotices } from './sign-in-notices';
import { WrongPasswordError } from './wrong-password.error';
import { Sessions, SessionView } from './sessions';

/** What a client gets for the right password (RFC 6750). */
export interface AccessToken {
  accessToken: string;
  tokenType: 'Bearer';
  /** Seconds until the session ends at the latest. */
  expiresIn: number;
}

const PURPOSE = 'access';

/** Sign-in, sign-out, and who a token belongs to. */
@Injectable()
export class AuthService {
  constructor(
    private readonly users: UsersService,
    private readonly sessions: Sessions,
    private readonly tokens: SignedTokens,
    private readonly failedLogins: FailedLogins,
    private readonly notices: SignInNotices,
    private readonly events: SecurityEvents,
    private readonly options: AuthOptions,
  ) {}

  /**
   * @param email `undefined` where what was typed is no address; costs as much time as any wrong sign-in
   * @throws InvalidCredentialsError, alike and in like time for every cause; RateLimitedError, which is about the source
   *   and no account; OverloadedError; LimiterUnavailableError
   */
  async login(
    email: EmailAddress | undefined,
    password: string,
    source: RequestSource,
  ): Promise<AccessToken> {
    const account = email && (await this.users.findByEmail(email));
    const tried = email && { email, credentialsVersion: account?.credentialsVersion ?? 0 };
    const attempt = await this.failedLogins.begin(source, tried);
    const user = await attempt.try(() =>
      attempt.isBlocked ? this.failAnyway(email, password) : this.users.authenticate(email, password),
    );
    if (!user) {
      await this.recordFailure(
        source,
        attempt.isBlocked ? 'blocked' : reasonFor(email, account),
        account,
        email,
      );
      throw new InvalidCredentialsError();
    }
    await attempt.succeed();
    await this.events.record({
      act: 'login',
      outcome: 'success',
      userId: user.id,
      source,
      email: user.email,
    });
    const accessToken = await this.startSession(user, source);
    this.notices.tell(user, source, attempt.failuresBefore);
    return accessToken;
  }

  /**
   * Signs a user in whose credentials have been checked.
   * @param source what the session's owner recognizes it by
   */
  async startSession(user: User, source?: RequestSource): Promise<AccessToken> {
    const { id, expiresAt } = await this.sessions.begin(user, source);
    return {
      accessToken: this.tokens.sign(PURPOSE, id, expiresAt),
      tokenType: 'Bearer',
      expiresIn: this.options.sessionTtlSeconds,
    };
  }

  /**
   * Makes sure that it is the owner who acts in a session, before something that a thief of the session must not do.
   * A wrong password counts as a failed sign-in.
   * @throws WrongPasswordError, OverloadedError; RateLimitedError, LimiterUnavailableError
   */
  async reauthenticate(user: User, password: string, source: RequestSource): Promise<void> {
    const email = parseEmailAddress(user.email);
    const attempt = await this.failedLogins.begin(source, email && { ...user, email });
    const right = await attempt.try(() => this.users.hasPassword(user.id, password));
    if (right && !attempt.isBlocked) return attempt.succeed();
    await this.recordFailure(source, attempt.isBlocked ? 'blocked' : 'wrong_password', user, email);
    throw new WrongPasswordError();
  }

  /** @returns user and session of an access token; `undefined` when it is forged, too old, or its session has ended */
  async authenticate(accessToken: string): Promise<Authenticated<User> | undefined> {
    const sessionId = this.sessionIdOf(accessToken);
    return sessionId === undefined ? undefined : this.sessions.use(sessionId);
  }

  /** Ends a session: its access token is refused from now on. */
  async logout(sessionId: string, source?: RequestSource): Promise<void> {
    await this.sessions.end(sessionId, 'logout', source);
  }

  /** The live sessions of a user, latest first. @param currentSessionId the one that asks */
  sessionsOf(userId: string, currentSessionId: string): Promise<SessionView[]> {
    return this.sessions.listOf(userId, currentSessionId);
  }

  /**
   * Ends one session of a user, this one or another.
   * @returns whether there was such a session of theirs; what is another's looks the same as what is not there
   */
  endSession(userId: string, sessionId: string, source?: RequestSource): Promise<boolean> {
    return this.sessions.end(sessionId, 'ended_by_owner', source, userId);
  }

  /** Costs the time of any wrong sign-in, also where the password is right; its hash is not renewed. */
  private async failAnyway(email: EmailAddress | undefined, password: string): Promise<undefined> {
    if (email) await this.users.findByEmail(email);
    await this.users.authenticate(undefined, password);
  }

  private recordFailure(
    source: RequestSource,
    reason: FailureReason | 'blocked',
    account?: User,
    email?: EmailAddress,
  ): Promise<void> {
    return this.events.record({
      act: 'login',
      outcome: 'failure',
      userId: account?.id,
      source,
      email: email?.address,
      details: { reason },
    });
  }

  private sessionIdOf(accessToken: string): string | undefined {
    try {
      return this.tokens.verify(PURPOSE, accessToken).id;
    } catch {
      return undefined;
    }
  }
}

type FailureReason =
  'malformed_address' | 'unknown_address' | 'account_disabled' | 'address_unverified' | 'wrong_password';

/** Told to operators, never to the caller. */
function reasonFor(email: EmailAddress | undefined, account: User | undefined): FailureReason {
  if (!email) return 'malformed_address';
  if (!account) return 'unknown_address';
  if (account.disabledAt) return 'account_disabled';
  return account.unverifiedSince ? 'address_unverified' : 'wrong_password';
}
