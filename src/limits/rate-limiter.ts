/** How many events a window of time allows. */
export interface Limit {
  /** Part of the stored counter's key, so a name is forever. */
  name: string;
  events: number;
  /** The window begins with its first event, and does not move. */
  seconds: number;
}

export interface LimitVerdict {
  allowed: boolean;
  /** Events of this window so far, this one too. */
  events: number;
  /** Whether it is the first event beyond the limit in this window, over all instances. */
  isFirstBeyond: boolean;
  /** Seconds until the window ends; whole, at least 1. */
  retryAfterSeconds: number;
}

/**
 * Counts events in windows of time, exactly, over all instances. Default: {@link FlexibleRateLimiter}.
 * Every method throws LimiterUnavailableError when the counters cannot be reached: limits fail closed (OWASP ASVS 16.5.3).
 * Call none of them inside a transaction: what is counted there would not be counted when it rolls back.
 */
export abstract class RateLimiter {
  /** Counts an event and tells whether it is still within the limit, in one step: parallel calls are all counted. */
  abstract count(limit: Limit, key: string): Promise<LimitVerdict>;

  /** Takes one counted event back. */
  abstract uncount(limit: Limit, key: string): Promise<void>;

  /** Forgets what was counted under a key. */
  abstract clear(limit: Limit, key: string): Promise<void>;
}
