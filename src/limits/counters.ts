import { RateLimiterMemory, type RateLimiterAbstract } from 'rate-limiter-flexible';

/** The library's own limit and window are never used: each call says its window, and we compare. */
export const UNUSED = { points: 0, duration: 0 };

/** Where {@link FlexibleRateLimiter} keeps its counters. */
export abstract class Counters {
  abstract readonly limiter: Pick<RateLimiterAbstract, 'penalty' | 'reward' | 'delete'>;

  /** They have not answered in time. */
  reconnect(): void {}
}

/** Counters of this process alone, for tests: they end with it, and others do not see them. */
export class MemoryCounters extends Counters {
  readonly limiter = new RateLimiterMemory({ ...UNUSED, keyPrefix: '' });
}
