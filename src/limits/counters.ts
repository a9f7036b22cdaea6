import type { Limit } from './rate-limiter';

/** A counter by the key under which it is stored. */
export interface StoredCounter {
  limit: Limit;
  storedKey: string;
}

/** What a counter holds after an event. */
export interface Count {
  /** Events of this window, including this one. */
  events: number;
  /** Milliseconds until the window ends. */
  msLeft: number;
}

/** Where {@link SharedRateLimiter} keeps its counters. */
export abstract class Counters {
  /**
   * Counts an event with each counter in turn, up to the first that is beyond its limit by it.
   * @returns the counts of the counters that were reached
   */
  abstract count(counters: StoredCounter[]): Promise<Count[]>;

  /** Takes events back, if their window has not ended. */
  abstract refund(storedKey: string, events: number): Promise<void>;

  abstract clear(storedKey: string): Promise<void>;

  /** Called when the counters have not answered in time. */
  reconnect(): void {}
}
