import { Injectable, Logger, Optional } from '@nestjs/common';
import { SecurityEvents } from '../common';
import { RetryLaterError } from '../jobs';
import { Limit, RateLimiter } from '../limits';
import { MailOptions } from './mail.options';

const SECONDS_AN_HOUR = 3600;
const EVERYBODY = 'all';

/** The hour's mails have been sent; those that are left come later. */
export class MailBudgetSpentError extends RetryLaterError {
  override readonly name = 'MailBudgetSpentError';

  constructor(retryAfterSeconds: number) {
    super('no more mails in this hour; to be tried again in the next', retryAfterSeconds);
  }
}

/**
 * How many mails leave in an hour, whoever they are for and whichever instance sends them: the last stop for a flood that
 * no other limit has held, before it costs the good name of the mail server. Without a LimitsModule there is none.
 */
@Injectable()
export class MailBudget {
  private readonly logger = new Logger('Mail');
  private readonly limit: Limit;

  constructor(
    private readonly events: SecurityEvents,
    @Optional() private readonly limiter?: RateLimiter,
    @Optional() options?: MailOptions,
  ) {
    const { mailsPerHour } = options ?? new MailOptions();
    this.limit = { name: 'mails', events: mailsPerHour, seconds: SECONDS_AN_HOUR };
  }

  /** Counts a mail that is about to be sent. @throws MailBudgetSpentError, LimiterUnavailableError */
  async spend(): Promise<void> {
    if (!this.limiter || this.limit.events === 0) return;
    const verdict = await this.limiter.count(this.limit, EVERYBODY);
    if (verdict.allowed) return;
    if (verdict.isFirstBeyond) await this.alarm(verdict.retryAfterSeconds);
    throw new MailBudgetSpentError(verdict.retryAfterSeconds);
  }

  /** Takes back a mail that has not left. */
  async giveBack(): Promise<void> {
    if (!this.limiter || this.limit.events === 0) return;
    // Where it fails, the hour has one mail less; what kept the mail from leaving is what has to be told.
    await this.limiter.uncount(this.limit, EVERYBODY).catch(() => undefined);
  }

  private async alarm(retryAfterSeconds: number): Promise<void> {
    const { name, events } = this.limit;
    this.logger.error(
      `${events} mails have been sent within an hour (MAILS_PER_HOUR). No more for ${retryAfterSeconds} seconds.`,
    );
    await this.events.record({ act: 'limit_exceeded', outcome: 'failure', details: { limit: name } });
  }
}
