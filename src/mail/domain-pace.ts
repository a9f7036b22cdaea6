import { Injectable, Optional } from '@nestjs/common';
import { Clock, parseEmailAddress, secondsAfter, SecurityEvents } from '../common';
import { RetryLaterError } from '../jobs';
import { limitsMissing, RateLimiter } from '../limits';
import { MailOptions } from './mail.options';

const SECONDS_PER_HOUR = 3600;
const SHORTEST_DELAY_SECONDS = 300;
const LONGEST_DELAY_SECONDS = 900;

/**
 * Slows down a flood of mails to typed addresses of one domain, whose mail servers would take us for a spammer. What is
 * beyond the hour's number leaves some minutes later, spread, and is never dropped.
 */
@Injectable()
export class DomainPace {
  constructor(
    private readonly events: SecurityEvents,
    private readonly clock: Clock,
    private readonly options: MailOptions,
    @Optional() private readonly limiter: RateLimiter = limitsMissing(),
  ) {}

  /**
   * Counts a mail that is about to leave.
   * @param id of the mail, a UUID: its delay is the same at every try
   * @throws RetryLaterError where it has to wait; LimiterUnavailableError
   */
  async take(id: string, to: string, queuedAt: Date): Promise<void> {
    const leavesAt = secondsAfter(queuedAt, delayOf(id));
    const secondsLeft = (leavesAt.getTime() - this.clock.now().getTime()) / 1000;
    // It has waited long enough, for this or for another reason.
    if (secondsLeft <= 0) return;
    const address = parseEmailAddress(to)?.key ?? to;
    if (await this.isFlooded(address.slice(address.lastIndexOf('@') + 1)))
      throw new RetryLaterError('many mails to its domain in this hour', secondsLeft);
  }

  private async isFlooded(domain: string): Promise<boolean> {
    const { domainMailsPerHour } = this.options;
    if (domainMailsPerHour === 0) return false;
    const limit = { name: 'mails-to-domain', events: domainMailsPerHour, seconds: SECONDS_PER_HOUR };
    const { allowed, isFirstBeyond } = await this.limiter.consume(limit, domain);
    if (isFirstBeyond) {
      const details = { limit: limit.name };
      await this.events.record({ act: 'limit_exceeded', outcome: 'failure', details });
    }
    return !allowed;
  }
}

/** Seconds from the queue to the mail server, spread over the mails by their ids, which are random. */
function delayOf(id: string): number {
  const fraction = Number.parseInt(id.slice(0, 8), 16) / 0x1_0000_0000;
  return SHORTEST_DELAY_SECONDS + fraction * (LONGEST_DELAY_SECONDS - SHORTEST_DELAY_SECONDS);
}
