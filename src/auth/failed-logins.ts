import { Injectable, Optional } from '@nestjs/common';
import { EmailAddress, RequestSource, SecurityEvents } from '../common';
import { Limit, RateLimitedError, RateLimiter, sourceKey } from '../limits';
import { AuthOptions } from './auth.options';

/** An account as it is tried: known or not, there is one for every address. */
export interface TriedAccount {
  email: EmailAddress;
  /** Of the account, 0 where there is none. A new password begins a new count, so recovery always opens the door. */
  credentialsVersion: number;
}

interface Counter {
  limit: Limit;
  key: string;
  /** What it has counted, with this attempt. */
  events: number;
}

/** A password that is tried, counted as wrong until it has turned out to be right. */
export class LoginAttempt {
  /** Whether the password must be wrong, whatever it is. Nobody may notice: it is to cost the same time. */
  isBlocked = false;
  readonly ofAccount: Counter[] = [];
  readonly ofSource: Counter[] = [];

  constructor(private readonly limiter?: RateLimiter) {}

  /** How many passwords were wrong for the account before this one, as far as they are counted. */
  get failuresBefore(): number {
    return Math.max(0, ...this.ofAccount.map(({ events }) => events - 1));
  }

  /** Tries the password. Where that is not possible, on a busy server for one, it has not been tried. */
  async try<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      await this.uncount([...this.ofAccount, ...this.ofSource]);
      throw error;
    }
  }

  /** It was right. The source only gets this attempt back: one's own account must not pay for guesses at others. */
  async succeed(): Promise<void> {
    for (const { limit, key } of this.ofAccount) await this.limiter?.clear(limit, key);
    await this.uncount(this.ofSource);
  }

  private async uncount(counters: Counter[]): Promise<void> {
    for (const { limit, key } of counters) await this.limiter?.uncount(limit, key);
  }
}

/**
 * Keeps passwords from being guessed. Each attempt is counted before its password is looked at, so that of parallel ones
 * no more are looked at than the limits allow. Known and unknown addresses are counted alike, by the key under which
 * accounts are found: another spelling is no other count (CVE-2025-6004). Without a LimitsModule nothing is counted.
 */
@Injectable()
export class FailedLogins {
  constructor(
    private readonly events: SecurityEvents,
    private readonly options: AuthOptions,
    @Optional() private readonly limiter?: RateLimiter,
  ) {}

  /**
   * Counts an attempt.
   * @param account `undefined` where what was typed is no address
   * @throws RateLimitedError when the source has failed too often, whatever the accounts; LimiterUnavailableError
   */
  async begin(source: RequestSource, account: TriedAccount | undefined): Promise<LoginAttempt> {
    const attempt = new LoginAttempt(this.limiter);
    const origin = sourceKey(source.ip);
    const { failuresPerSource, failuresPerAccountAndSource, failuresPerAccount } = this.options;

    const ofSource = { name: 'login-failures-source', events: failuresPerSource, seconds: 3600 };
    const retryAfterSeconds = await this.count(attempt.ofSource, ofSource, origin, { source });
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
    // What one source tries in vain is no try for the account, so that it takes many to lock its owner out.
    attempt.isBlocked =
      (await this.count(attempt.ofAccount, ofPair, `${key} ${origin}`, about)) !== undefined ||
      (await this.count(attempt.ofAccount, ofAccount, key, about)) !== undefined;
    return attempt;
  }

  /** @returns seconds to wait, where it is one too many */
  private async count(
    counted: Counter[],
    limit: Limit,
    key: string,
    about: { source: RequestSource; email?: string },
  ): Promise<number | undefined> {
    if (!this.limiter || limit.events === 0) return undefined;
    const verdict = await this.limiter.count(limit, key);
    counted.push({ limit, key, events: verdict.events });
    if (verdict.allowed) return undefined;
    if (verdict.isFirstBeyond) {
      const details = { limit: limit.name };
      await this.events.record({ act: 'limit_exceeded', outcome: 'failure', ...about, details });
    }
    return verdict.retryAfterSeconds;
  }
}
