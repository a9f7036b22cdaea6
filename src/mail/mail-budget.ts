import { Injectable, Logger, Optional } from '@nestjs/common';
import { SecurityEvents } from '../common';
import { RetryLaterError } from '../jobs';
import { Limit, LimitVerdict, RateLimiter } from '../limits';
import { MailOptions } from './mail.options';
import type { MailTemplate } from './mailer';

const SECONDS_AN_HOUR = 3600;
/** Mails that wait for the next hour come back over so long. */
const SPREAD_SECONDS = 60;
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
 * no other limit has held, before it costs the good name of the mail server. A quarter is kept from mails to typed
 * addresses, so that a flood of registrations stops no recovery. Without a LimitsModule there is no such limit.
 */
@Injectable()
export class MailBudget {
  private readonly logger = new Logger('Mail');
  private readonly all: Limit;
  private readonly toTypedAddresses: Limit;

  constructor(
    private readonly events: SecurityEvents,
    @Optional() private readonly limiter?: RateLimiter,
    @Optional() options?: MailOptions,
  ) {
    const { mailsPerHour } = options ?? new MailOptions();
    this.all = { name: 'mails', events: mailsPerHour, seconds: SECONDS_AN_HOUR };
    const share = mailsPerHour - Math.floor(mailsPerHour / 4);
    this.toTypedAddresses = { ...this.all, name: 'mails-to-typed-addresses', events: share };
  }

  /** Counts a mail that is about to be sent. @throws MailBudgetSpentError, LimiterUnavailableError */
  async spend(template: MailTemplate): Promise<void> {
    const spent: Limit[] = [];
    for (const limit of this.limitsOf(template)) {
      const verdict = await this.limiter!.count(limit, EVERYBODY);
      if (!verdict.allowed) {
        await this.takeBack(spent);
        await this.refuse(limit, verdict);
      }
      spent.push(limit);
    }
  }

  /** Takes back a mail that has not left. */
  async giveBack(template: MailTemplate): Promise<void> {
    await this.takeBack(this.limitsOf(template));
  }

  private limitsOf({ toTypedAddress }: MailTemplate): Limit[] {
    if (!this.limiter || this.all.events === 0) return [];
    return toTypedAddress ? [this.toTypedAddresses, this.all] : [this.all];
  }

  private async takeBack(limits: Limit[]): Promise<void> {
    // Where it fails, the hour has one mail less; what kept the mail from leaving is what has to be told.
    for (const limit of limits) await this.limiter!.uncount(limit, EVERYBODY).catch(() => undefined);
  }

  private async refuse(limit: Limit, { isFirstBeyond, retryAfterSeconds }: LimitVerdict): Promise<never> {
    if (isFirstBeyond) await this.alarm(limit, retryAfterSeconds);
    // Not all at the same moment: the mail server would see the hour's mails in one second.
    throw new MailBudgetSpentError(retryAfterSeconds + Math.random() * SPREAD_SECONDS);
  }

  private async alarm({ name, events }: Limit, retryAfterSeconds: number): Promise<void> {
    const [mails, setting] =
      name === this.all.name
        ? ['mails', 'MAILS_PER_HOUR']
        : ['mails to addresses that anybody can type in', 'three quarters of MAILS_PER_HOUR'];
    this.logger.error(
      `${events} ${mails} have been sent within an hour (${setting}). No more for ${retryAfterSeconds} seconds.`,
    );
    await this.events.record({ act: 'limit_exceeded', outcome: 'failure', details: { limit: name } });
  }
}
