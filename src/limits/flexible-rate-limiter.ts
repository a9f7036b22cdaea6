import { Injectable, Logger } from '@nestjs/common';
import { createHash } from 'node:crypto';
import { describeError } from '../common';
import { Counters } from './counters';
import { LimiterUnavailableError } from './limit.errors';
import { Limit, LimitVerdict, RateLimiter } from './rate-limiter';

/** Nobody waits longer than this for a counter. */
const DEADLINE_MS = 2_000;

/**
 * Counts with rate-limiter-flexible, wherever the {@link Counters} are. Windows are measured by our Clock, or by that of
 * Redis, never by that of a machine: instances whose clocks differ count alike.
 */
@Injectable()
export class FlexibleRateLimiter extends RateLimiter {
  private readonly logger = new Logger('Limits');
  private available = true;

  constructor(private readonly counters: Counters) {
    super();
  }

  async count(limit: Limit, key: string): Promise<LimitVerdict> {
    const { consumedPoints, msBeforeNext } = await this.reach(({ limiter }) =>
      limiter.penalty(counterKey(limit, key), 1, { customDuration: limit.seconds }),
    );
    return {
      allowed: consumedPoints <= limit.events,
      events: consumedPoints,
      isFirstBeyond: consumedPoints === limit.events + 1,
      retryAfterSeconds: Math.max(1, Math.ceil(msBeforeNext / 1000)),
    };
  }

  async uncount(limit: Limit, key: string): Promise<void> {
    const [stored, window] = [counterKey(limit, key), { customDuration: limit.seconds }];
    await this.reach(async ({ limiter }) => {
      const { consumedPoints } = await limiter.reward(stored, 1, window);
      // The window of the event has ended; the next one must not begin with an event to spare.
      if (consumedPoints < 0) await limiter.penalty(stored, 1, window);
    });
  }

  async clear(limit: Limit, key: string): Promise<void> {
    await this.reach(({ limiter }) => limiter.delete(counterKey(limit, key)));
  }

  private async reach<T>(work: (counters: Counters) => Promise<T>): Promise<T> {
    try {
      const result = await withinDeadline(work(this.counters));
      if (!this.available) this.logger.log('the counters of limits can be reached again');
      this.available = true;
      return result;
    } catch (error) {
      if (error instanceof NoAnswerError) this.counters.reconnect();
      // Once, not for each request that is refused until it is over.
      if (this.available)
        this.logger.error(`the counters of limits cannot be reached: ${describeError(error)}`);
      this.available = false;
      throw new LimiterUnavailableError();
    }
  }
}

class NoAnswerError extends Error {}

/** Short whatever is counted, and without an address that could be read in the store. */
function counterKey({ name }: Limit, key: string): string {
  return `${name}:${createHash('sha256').update(key).digest('base64url')}`;
}

async function withinDeadline<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new NoAnswerError(`no answer within ${DEADLINE_MS} ms`)), DEADLINE_MS);
  });
  try {
    return await Promise.race([work, deadline]);
  } finally {
    clearTimeout(timer);
  }
}
