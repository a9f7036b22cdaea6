import { LimitVerdict, RateLimiter } from '../../src/limits';

class Unlimited extends RateLimiter {
  consume(): Promise<LimitVerdict> {
    return Promise.resolve({ allowed: true, events: 1, isFirstBeyond: false, retryAfterSeconds: 1 });
  }

  refund(): Promise<void> {
    return Promise.resolve();
  }

  clear(): Promise<void> {
    return Promise.resolve();
  }
}

/** Lets everything pass: for specs that do in seconds what people do in days. */
export const UNLIMITED: RateLimiter = new Unlimited();
