import { ApiError, UnavailableError } from '../common';

/** 429: one source has asked for too much. Tells nothing about any account. */
export class RateLimitedError extends ApiError {
  constructor(retryAfterSeconds: number) {
    super({
      status: 429,
      code: 'RATE_LIMITED',
      detail: 'Too many requests from your address. Nothing has been done; wait as long as Retry-After says.',
      headers: { 'Retry-After': String(retryAfterSeconds) },
    });
  }
}

/** 503: what cannot be counted is not done. */
export class LimiterUnavailableError extends UnavailableError {
  constructor() {
    super('The server cannot do this now. Nothing has been done; try again shortly.');
  }
}
