import { Injectable } from '@nestjs/common';
import { Limit, LimitVerdict, RateLimiter } from '../limits';

interface Window {
  events: number;
  endsAt: number;
}

/** Counts in this process alone, by a clock that no test moves. */
@Injectable()
export class InMemoryRateLimiter extends RateLimiter {
  private readonly windows = new Map<string, Window>();

  async consume(limit: Limit, key: string): Promise<LimitVerdict> {
    const now = milliseconds();
    const window = this.windowOf(limit, key) ?? { events: 0, endsAt: now + limit.seconds * 1000 };
    this.windows.set(nameOf(limit, key), window);
    window.events += 1;
    return Promise.resolve({
      allowed: window.events <= limit.events,
      events: window.events,
      isFirstBeyond: window.events === limit.events + 1,
      retryAfterSeconds: Math.max(1, Math.ceil((window.endsAt - now) / 1000)),
    });
  }

  async refund(limit: Limit, key: string, events = 1): Promise<void> {
    const window = this.windowOf(limit, key);
    if (window) window.events = Math.max(0, window.events - events);
    return Promise.resolve();
  }

  async clear(limit: Limit, key: string): Promise<void> {
    this.windows.delete(nameOf(limit, key));
    return Promise.resolve();
  }

  /** The window under way, if there is one. */
  private windowOf(limit: Limit, key: string): Window | undefined {
    const window = this.windows.get(nameOf(limit, key));
    return window && window.endsAt > milliseconds() ? window : undefined;
  }
}

/** Whole ones: of fractions, `(now + 60_000) - now` may be more than 60,000. */
function milliseconds(): number {
  return Math.floor(performance.now());
}

function nameOf({ name }: Limit, key: string): string {
  return `${name} ${key}`;
}
