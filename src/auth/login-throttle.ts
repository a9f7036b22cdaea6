import { Injectable, Optional } from '@nestjs/common';
import { EmailAddress, RequestSource, SecurityEvents } from '../common';
import { Limit, limitsMissing, RateLimitedError, RateLimiter, sourceKey } from '../limits';
import { AuthOptions } from './auth.options';

/** An account that somebody tries to sign in to: there is one for every address, known or not. */
export interface TriedAccount {
  email: EmailAddress;
  /** Of the account; 0 if there is none. A new password begins a new count, so a recovery always lets the owner in. */
  credentialsVersion: number;
}

/** Somebody who is signed in and types the password again. */
export interface Reauthentication {
  userId: string;
  /** Of the account; see {@link TriedAccount}. */
  credentialsVersion: number;
  /** Id of the session in which the password is typed. */
  sessionId: string;
  source: RequestSource;
}

interface Counter {
  limit: Limit;
  key: string;
  /** What it has counted, including this attempt. */
  events: number;
}

/** An attempt to sign in. It counts as failed until the password has turned out to be right. */
export class LoginAttempt {
  /** Whether every password is wrong now. The caller must not notice: it has to take the same time. */
  isBlocked = false;
  readonly ofAccount: Counter[] = [];
  readonly ofSource: Counter[] = [];

  constructor(private readonly limiter: RateLimiter) {}

  /** How many wrong passwords were counted for the account before this one. */
  get failuresBefore(): number {
    return Math.max(0, ...this.ofAccount.map(({ events }) => events - 1));
  }

  /** Checks the password. If that fails, for example on a busy server, the attempt is refunded. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      await this.refund([...this.ofAccount, ...this.ofSource]);
      throw error;
    }
  }

  /** The password was right. The source only gets this attempt back: a sign-in to an own account must not pay for guesses at others. */
  async succeed(): Promise<void> {
    for (const { limit, key } of this.ofAccount) await this.limiter.clear(limit, key);
    await this.refund(this.ofSource);
  }

  private async refund(counters: Counter[]): Promise<void> {
    for (const { limit, key } of counters) await this.limiter.refund(limit, key);
  }
}

/**
 * Keeps passwords from being guessed. Each attempt is counted before its password is compared, so that no more parallel
 * attempts are compared than the limits allow. Known and unknown addresses are counted alike, by the key under which
 * accounts are found: another spelling shares the count (CVE-2025-6004).
 */
@Injectable()
export class LoginThrottle {
  constructor(
    private readonly events: SecurityEvents,
    private readonly options: AuthOptions,
    @Optional() private readonly limiter: RateLimiter = limitsMissing(),
  ) {}

  /**
   * Counts an attempt.
   * @param account `undefined` if what was typed is no address
   * @throws RateLimitedError when the source has failed too often, whatever the accounts; LimiterUnavailableError
   */
  async begin(source: RequestSource, account: TriedAccount | undefined): Promise<LoginAttempt> {
    const attempt = new LoginAttempt(this.limiter);
    const origin = sourceKey(source.ip);
    const { failuresPerSource, failuresPerAccountAndSource, failuresPerAccount } = this.options;

    const ofSource = { name: 'login-failures-source', events: failuresPerSource, seconds: 3600 };
    const retryAfterSeconds = await this.consume(attempt.ofSource, ofSource, origin, { source });
    if (retryAfterSeconds !== undefined) throw new RateLimitedError(retryAfterSeconds);

    if (!account) return attempt;
    const key = `${account.credentialsVersion} ${account.email.key}`;
    const about = { source, email: account.email.address };
    const ofPair = {
      name: 'login-failures-account-source',
      events: failuresPerAccountAndSource,
      seconds: 900,
    };
    const ofAccount = { name: 'login-failures-account', events: failuresPerAccount, seconds: 86_400 };
    // Beyond its own limit a source is not counted for the account, so it takes many sources to lock the owner out.
    attempt.isBlocked =
      (await this.consume(attempt.ofAccount, ofPair, `${key} ${origin}`, about)) !== undefined ||
      (await this.consume(attempt.ofAccount, ofAccount, key, about)) !== undefined;
    return attempt;
  }

  /**
   * Counts an attempt of somebody signed in, separately from sign-ins: strangers who guess there cannot block the owner's
   * change, and the thief of a session cannot block the owner's sign-in (CWE-645).
   * @throws LimiterUnavailableError
   */
  async beginReauthentication({
    userId,
    credentialsVersion,
    sessionId,
    source,
  }: Reauthentication): Promise<LoginAttempt> {
    const attempt = new LoginAttempt(this.limiter);
    const { reauthenticationFailuresPerSession, reauthenticationFailuresPerAccount } = this.options;
    const key = `${credentialsVersion} ${userId}`;
    const ofSession = {
      name: 'reauthentication-failures-session',
      events: reauthenticationFailuresPerSession,
      seconds: 900,
    };
    const ofAccount = {
      name: 'reauthentication-failures-account',
      events: reauthenticationFailuresPerAccount,
      seconds: 86_400,
    };
    const about = { source, userId };
    attempt.isBlocked =
      (await this.consume(attempt.ofAccount, ofSession, `${key} ${sessionId}`, about)) !== undefined ||
      (await this.consume(attempt.ofAccount, ofAccount, key, about)) !== undefined;
    return attempt;
  }

  /** @returns seconds to wait if the limit is exceeded */
  private async consume(
    counted: Counter[],
    limit: Limit,
    key: string,
    about: { source: RequestSource; email?: string; userId?: string },
  ): Promise<number | undefined> {
    if (limit.events === 0) return undefined;
    const verdict = await this.limiter.consume(limit, key);
    counted.push({ limit, key, events: verdict.events });
    if (verdict.allowed) return undefined;
    if (verdict.isFirstBeyond) {
      const details = { limit: limit.name };
      await this.events.record({ act: 'limit_exceeded', outcome: 'failure', ...about, details });
    }
    return verdict.retryAfterSeconds;
  }
}
