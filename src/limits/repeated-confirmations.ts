import { Injectable, Optional } from '@nestjs/common';
import { Limit, limitsMissing, RateLimiter } from './rate-limiter';

/**
 * How often a spent link is accepted again together with the password that it set. Enough for double clicks; somebody who
 * finds the link later gets that many guesses at the password and no more.
 */
export const REPEATED_CONFIRMATIONS: Limit = { name: 'repeated-confirmations', events: 5, seconds: 3600 };

/** Limits how often a spent link is compared with a password. */
@Injectable()
export class RepeatedConfirmations {
  constructor(@Optional() private readonly limiter: RateLimiter = limitsMissing()) {}

  /** Counts a repetition. @returns whether it is within the limit. @throws LimiterUnavailableError */
  async allow(linkId: string): Promise<boolean> {
    return (await this.limiter.consume(REPEATED_CONFIRMATIONS, linkId)).allowed;
  }
}
