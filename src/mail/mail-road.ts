import { Injectable, Logger } from '@nestjs/common';
import { Clock, secondsAfter } from '../common';

/** Whether mails leave, as far as one process has seen. */
export type MailRoadState =
  | { status: 'up' }
  /** Since when, and the last answer: codes of a reply (`550 5.4.5 at MAIL`) or of the connection (`ECONNREFUSED`). */
  | { status: 'down'; since: string; answer: string };

type AlertLevel = 'error' | 'warn';

/** An outage that comes and goes raises one alert in this time. */
const ALERT_EVERY_SECONDS = 3600;

/**
 * What this process knows of the road to the mail server. A mail that fails there says nothing of its recipient: it waits
 * and is tried again, and the log says so once an outage. A refusal (5xx) is an error, since somebody has to mend it; what
 * may pass by itself is a warning.
 */
@Injectable()
export class MailRoad {
  private readonly logger = new Logger('Mail');
  private readonly alertedAt: { [Level in AlertLevel]?: Date } = {};
  private outage?: { since: Date; answer: string };

  constructor(private readonly clock: Clock) {}

  get state(): MailRoadState {
    if (!this.outage) return { status: 'up' };
    return { status: 'down', since: this.outage.since.toISOString(), answer: this.outage.answer };
  }

  /** A mail has left. */
  passed(): void {
    if (!this.outage) return;
    const { since } = this.outage;
    this.outage = undefined;
    if (this.wasAlerted('warn', since))
      this.logger.log(`Mails leave again; none did since ${since.toISOString()}.`);
  }

  /** A mail could not leave, and the next one could not either. @param answer codes only, see `errorCode` */
  failed(answer: string): void {
    const now = this.clock.now();
    const since = this.outage?.since ?? now;
    this.outage = { since, answer };
    const level = answer.startsWith('5') ? 'error' : 'warn';
    const anHourAgo = secondsAfter(now, -ALERT_EVERY_SECONDS);
    if (this.wasAlerted(level, since < anHourAgo ? since : anHourAgo)) return;
    this.alertedAt[level] = now;
    const what = level === 'error' ? 'The mail server refuses us' : 'The mail server cannot be used now';
    this.logger[level](`${what}: ${answer}. No mail is lost: they wait, and are tried again.`);
  }

  /** Whether there was an alert of a level, or of a higher one. */
  private wasAlerted(level: AlertLevel, since: Date): boolean {
    const { error, warn } = this.alertedAt;
    return [error, level === 'warn' ? warn : undefined].some((at) => at && at >= since);
  }
}
