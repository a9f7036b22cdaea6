import { ApiError, UnavailableError } from '../common';

/** 429: too many requests from one source. Reveals nothing about any account. */
export class RateLimitedError extends ApiError {
  constructor(retryAfterSeconds: number) {
    super({
      status: 429,
      code: 'RATE_LIMITED',
      detail:
        'Too many requests from your IP address. Nothing has been done; try again after Retry-After seconds.',
      headers: { 'Retry-After': String(retryAfterSeconds) },
    });
  }
}

/** 503: a request that cannot be counted is refused. */
export class LimiterUnavailableError extends UnavailableError {
  constructor() {
    super('The server cannot do this now. Nothing has been done; try again shortly.');
  }
}
