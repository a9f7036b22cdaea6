/** How many events a window of time allows. */
export interface Limit {
  /** Part of the stored counter's key, so it must not change. */
  name: string;
  events: number;
  /** The window begins with its first event and does not move. */
  seconds: number;
}

/** What is counted: the events of one key, up to a limit. */
export interface Counter {
  limit: Limit;
  key: string;
}

export interface LimitVerdict {
  allowed: boolean;
  /** Events of this window so far, including this one. */
  events: number;
  /** Whether it is the first event beyond the limit in this window, across all instances. */
  isFirstBeyond: boolean;
  /** Seconds until the window ends; whole, at least 1. */
  retryAfterSeconds: number;
}

/** Events that have been counted before they happen. */
export interface Reservation extends LimitVerdict {
  /** How many of them are within the limit, and counted; where they are fewer than wanted, one beyond is counted as well. */
  granted: number;
}

/**
 * Counts events in windows of time, exactly, across all instances. Default: {@link SharedRateLimiter}.
 * Every method throws LimiterUnavailableError if the counters cannot be reached: limits fail closed (OWASP ASVS 16.5.3).
 * Call none of them inside a transaction: a rollback would undo the count.
 */
export abstract class RateLimiter {
  /** Counts an event and says whether it is within the limit, in one step: parallel calls are all counted. */
  abstract consume(limit: Limit, key: string): Promise<LimitVerdict>;

  /**
   * Counts an event with each counter in turn, up to the first that refuses it: the later ones have not counted it, so what
   * the limit of a minute refuses uses up neither the hour nor the limit of a network.
   * @returns the verdicts of the counters that were reached; only the last one can be a refusal
   */
  async consumeInOrder(counters: readonly Counter[]): Promise<LimitVerdict[]> {
    const verdicts: LimitVerdict[] = [];
    for (const { limit, key } of counters) {
      const verdict = await this.consume(limit, key);
      verdicts.push(verdict);
      if (!verdict.allowed) break;
    }
    return verdicts;
  }

  /**
   * Counts events before they happen: as many as are within the limit, up to a number. One beyond stays counted, so that
   * only one reservation is the first beyond, however many there are at a time.
   */
  async reserve(limit: Limit, key: string, events: number): Promise<Reservation> {
    const verdicts = await Promise.all(Array.from({ length: events }, () => this.consume(limit, key)));
    const granted = verdicts.filter(({ allowed }) => allowed).length;
    const excess = events - granted - 1;
    if (excess > 0) await this.refund(limit, key, excess);
    const isFirstBeyond = verdicts.some((verdict) => verdict.isFirstBeyond);
    return { ...verdicts.at(-1)!, isFirstBeyond, granted };
  }

  /** Undoes one counted event, or several. */
  abstract refund(limit: Limit, key: string, events?: number): Promise<void>;

  /** Resets the count of a key. */
  abstract clear(limit: Limit, key: string): Promise<void>;
}

/**
 * The default of a parameter that LimitsModule provides. The parameter is required; it is `@Optional()` for Nest only, whose
 * own error would not name the module to import.
 * @throws Error
 */
export function limitsMissing(): never {
  throw new Error(
    'Latchkey needs its limits: import LimitsModule.forRoot() beside the other modules. An option of 0 switches its limit off.',
  );
}
