import { BeforeApplicationShutdown, Injectable, Logger, Optional } from '@nestjs/common';
import { Clock, SecurityEvents } from '../common';
import { RetryLaterError } from '../jobs';
import { Limit, limitsMissing, RateLimiter, Reservation } from '../limits';
import { MailOptions } from './mail.options';
import type { MailTemplate } from './mailer';
import { ReservedMails } from './reserved-mails';

const SECONDS_PER_HOUR = 3600;
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

/** Mails that a process reserves at a time: at most so many, and at most this share of the hour's. */
const BLOCK = 50;
const BLOCK_SHARE = 1 / 200;

/** A mail that is counted, and can be taken back. */
export interface MailAllowance {
  /** The mail has not left. */
  refund(): void;
}

/**
 * How many mails leave in an hour, to all recipients and from all instances: the last stop for a flood that
 * no other limit has held, before it costs the good name of the mail server. A quarter is kept from mails to typed
 * addresses, so that a flood of registrations stops no recovery.
 */
@Injectable()
export class MailBudget implements BeforeApplicationShutdown {
  private readonly logger = new Logger('Mail');
  private readonly all: Limit;
  private readonly toTypedAddresses: Limit;
  private readonly reserved = new Map<Limit, ReservedMails>();

  constructor(
    private readonly events: SecurityEvents,
    clock: Clock,
    { mailsPerHour }: MailOptions,
    @Optional() private readonly limiter: RateLimiter = limitsMissing(),
  ) {
    this.all = { name: 'mails', events: mailsPerHour, seconds: SECONDS_PER_HOUR };
    const share = mailsPerHour - Math.floor(mailsPerHour / 4);
    this.toTypedAddresses = { ...this.all, name: 'mails-to-typed-addresses', events: share };
    for (const limit of [this.all, this.toTypedAddresses])
      this.reserved.set(limit, new ReservedMails(() => this.reserve(limit), clock));
  }

  /** Counts a mail that is about to be sent. @throws MailBudgetSpentError, LimiterUnavailableError */
  async consume(template: MailTemplate): Promise<MailAllowance> {
    const taken: (() => void)[] = [];
    const refund = () => taken.forEach((giveBack) => giveBack());
    for (const limit of this.limitsOf(template)) {
      const mails = this.reserved.get(limit)!;
      const mail = await mails.take().catch((error: unknown) => {
        refund();
        throw error;
      });
      if ('refusal' in mail) {
        refund();
        // Not all at the same moment: the mail server would see the hour's mails in one second.
        throw new MailBudgetSpentError(mail.refusal.retryAfterSeconds + Math.random() * SPREAD_SECONDS);
      }
      taken.push(() => mails.giveBack(mail));
    }
    return { refund };
  }

  /** After the jobs have ended: what this process has reserved and not sent is for the others. */
  async beforeApplicationShutdown(): Promise<void> {
    for (const [limit, mails] of this.reserved) {
      const unused = mails.drain();
      // Where it fails, the hour has some mails less.
      if (unused > 0) await this.limiter.refund(limit, EVERYBODY, unused).catch(() => undefined);
    }
  }

  private limitsOf({ toTypedAddress }: MailTemplate): Limit[] {
    if (this.all.events === 0) return [];
    return toTypedAddress ? [this.toTypedAddresses, this.all] : [this.all];
  }

  private async reserve(limit: Limit): Promise<Reservation> {
    const events = Math.min(BLOCK, Math.max(1, Math.floor(limit.events * BLOCK_SHARE)));
    const reservation = await this.limiter.reserve(limit, EVERYBODY, events);
    if (reservation.isFirstBeyond) await this.alarm(limit, reservation.retryAfterSeconds);
    return reservation;
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
