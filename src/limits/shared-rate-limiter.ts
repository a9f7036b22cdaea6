import { Injectable, Logger } from '@nestjs/common';
import { describeError, digest } from '../common';
import { Count, Counters } from './counters';
import { LimiterUnavailableError } from './limits.errors';
import { Counter, Limit, LimitVerdict, RateLimiter } from './rate-limiter';

/** The longest wait for a counter. */
const DEADLINE_MS = 2_000;

/**
 * Counts in the {@link Counters} that all instances share. Windows are measured by the {@link Clock} or by Redis, never by
 * the clock of a machine: instances whose clocks differ count alike.
 */
@Injectable()
export class SharedRateLimiter extends RateLimiter {
  private readonly logger = new Logger('Limits');
  private available = true;

  constructor(private readonly counters: Counters) {
    super();
  }

  async consume(limit: Limit, key: string): Promise<LimitVerdict> {
    const [verdict] = await this.consumeInOrder([{ limit, key }]);
    return verdict!;
  }

  override async consumeInOrder(counters: readonly Counter[]): Promise<LimitVerdict[]> {
    if (counters.length === 0) return [];
    const stored = counters.map(({ limit, key }) => ({ limit, storedKey: storedKey(limit, key) }));
    const counts = await this.reach(() => this.counters.count(stored));
    return counts.map((count, n) => verdictOf(counters[n]!.limit, count));
  }

  async refund(limit: Limit, key: string, events = 1): Promise<void> {
    await this.reach(() => this.counters.refund(storedKey(limit, key), events));
  }

  async clear(limit: Limit, key: string): Promise<void> {
    await this.reach(() => this.counters.clear(storedKey(limit, key)));
  }

  private async reach<T>(work: () => Promise<T>): Promise<T> {
    try {
      const result = await withinDeadline(work());
      if (!this.available) this.logger.log('the limit counters can be reached again');
      this.available = true;
      return result;
    } catch (error) {
      if (error instanceof NoAnswerError) this.counters.reconnect();
      // Once, not for each request that is refused during the outage.
      if (this.available) this.logger.error(`the limit counters cannot be reached: ${describeError(error)}`);
      this.available = false;
      throw new LimiterUnavailableError();
    }
  }
}

class NoAnswerError extends Error {}

function verdictOf(limit: Limit, { events, msLeft }: Count): LimitVerdict {
  return {
    allowed: events <= limit.events,
    events,
    isFirstBeyond: events === limit.events + 1,
    retryAfterSeconds: Math.max(1, Math.ceil(msLeft / 1000)),
  };
}

/** A digest, so that the key is short and no address can be read in the store. */
function storedKey({ name }: Limit, key: string): string {
  return `${name}:${digest(key)}`;
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
