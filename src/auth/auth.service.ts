import { Injectable } from '@nestjs/common';
import { EmailAddress, parseEmailAddress, RequestSource, SecurityEvents } from '../common';
import { Authenticated } from '../http';
import { SignedTokens } from '../links';
import { User, UsersService } from '../users';
import { AuthOptions } from './auth.options';
import { LoginThrottle } from './login-throttle';
import { InvalidCredentialsError, WrongPasswordError } from './auth.errors';
import { SignInNotifier } from './sign-in-notifier';
import { SessionService, SessionView } from './session.service';

/** The answer to the right password (RFC 6750). */
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
    private readonly sessions: SessionService,
    private readonly tokens: SignedTokens,
    private readonly throttle: LoginThrottle,
    private readonly notifier: SignInNotifier,
    private readonly events: SecurityEvents,
    private readonly options: AuthOptions,
  ) {}

  /**
   * @param email `undefined` if what was typed is no address; takes as long as any failed sign-in
   * @throws InvalidCredentialsError, the same after the same time for every cause; RateLimitedError, which depends on the
   *   source only; OverloadedError; LimiterUnavailableError
   */
  async login(
    email: EmailAddress | undefined,
    password: string,
    source: RequestSource,
  ): Promise<AccessToken> {
    const account = email && (await this.users.findByEmail(email));
    const tried = email && { email, credentialsVersion: account?.credentialsVersion ?? 0 };
    const attempt = await this.throttle.begin(source, tried);
    const user = await attempt.run(() =>
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
    this.notifier.notify(user, source, attempt.failuresBefore);
    return accessToken;
  }

  /**
   * Signs in a user whose credentials have been checked.
   * @param source by which the owner recognizes the session
   */
  async startSession(user: User, source?: RequestSource): Promise<AccessToken> {
    await this.users.signedIn(user.id);
    const { id, expiresAt } = await this.sessions.begin(user, source);
    return {
      accessToken: this.tokens.sign(PURPOSE, id, expiresAt),
      tokenType: 'Bearer',
      expiresIn: this.options.sessionTtlSeconds,
    };
  }

  /**
   * Checks the password again before something that the thief of a session must not do. Wrong passwords have limits of
   * their own, per session and per account: see {@link LoginThrottle.beginReauthentication}.
   * @param sessionId the session, or the mailed link, with which the password is typed
   * @throws WrongPasswordError, OverloadedError, LimiterUnavailableError
   */
  async reauthenticate(
    user: User,
    password: string,
    source: RequestSource,
    sessionId: string,
  ): Promise<void> {
    const { id: userId, credentialsVersion } = user;
    const attempt = await this.throttle.beginReauthentication({
      userId,
      credentialsVersion,
      sessionId,
      source,
    });
    const right = await attempt.run(() => this.users.hasPassword(user.id, password));
    if (right && !attempt.isBlocked) return attempt.succeed();
    await this.recordFailure(
      source,
      attempt.isBlocked ? 'blocked' : 'wrong_password',
      user,
      parseEmailAddress(user.email),
    );
    throw new WrongPasswordError();
  }

  /** @returns user and session of an access token; `undefined` if it is forged, expired, or its session has ended */
  async authenticate(accessToken: string): Promise<Authenticated<User> | undefined> {
    const sessionId = this.sessionIdOf(accessToken);
    return sessionId === undefined ? undefined : this.sessions.use(sessionId);
  }

  /** Ends a session: its access token no longer works. */
  async logout(sessionId: string, source?: RequestSource): Promise<void> {
    await this.sessions.end(sessionId, 'logout', source);
  }

  /** The live sessions of a user, latest first. @param currentSessionId that of the request */
  sessionsOf(userId: string, currentSessionId: string): Promise<SessionView[]> {
    return this.sessions.listOf(userId, currentSessionId);
  }

  /**
   * Ends one session of a user. For another session than the one of the request, see {@link endOtherSession}.
   * @returns whether the user had such a session; somebody else's looks the same as none
   */
  endSession(userId: string, sessionId: string, source?: RequestSource): Promise<boolean> {
    return this.sessions.end(sessionId, 'ended_by_owner', source, userId);
  }

  /**
   * Ends another session of a user after checking the password: the thief of one session must not end the owner's
   * (OWASP ASVS 7.5.2).
   * @param current the session in which the password is typed
   * @returns as {@link endSession}
   * @throws as {@link reauthenticate}
   */
  async endOtherSession(
    current: Authenticated<User>,
    sessionId: string,
    currentPassword: string,
    source: RequestSource,
  ): Promise<boolean> {
    await this.reauthenticate(current.user, currentPassword, source, current.sessionId);
    return this.endSession(current.user.id, sessionId, source);
  }

  /** Takes as long as any failed sign-in, even if the password is right; its hash is not upgraded. */
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
      const { id, expired } = this.tokens.read(PURPOSE, accessToken);
      return expired ? undefined : id;
    } catch {
      return undefined;
    }
  }
}

type FailureReason =
  'malformed_address' | 'unknown_address' | 'account_disabled' | 'address_unverified' | 'wrong_password';

/** For operators, never for the caller. */
function reasonFor(email: EmailAddress | undefined, account: User | undefined): FailureReason {
  if (!email) return 'malformed_address';
  if (!account) return 'unknown_address';
  if (account.disabledAt) return 'account_disabled';
  return account.unverifiedSince ? 'address_unverified' : 'wrong_password';
}
