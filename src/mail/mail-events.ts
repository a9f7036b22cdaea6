import { Injectable } from '@nestjs/common';
import { errorCode, SecurityAct, SecurityEvent, SecurityEvents } from '../common';
import { Mail, MailRefusedError, MailTemplate } from './mailer';

type MailRef = Pick<Mail, 'id' | 'template'>;

/** Records what happens to a mail, from the queue to the mail server. */
@Injectable()
export class MailEvents {
  constructor(private readonly events: SecurityEvents) {}

  /** A mail waits for its turn; recorded in the transaction that causes it. */
  recordQueued(template: MailTemplate): Promise<void> {
    return this.recordAllQueued(template, [{}]);
  }

  /** As {@link recordQueued}, of several mails. @param mails whose they are, and which requests have caused them, where known */
  recordAllQueued(
    { name }: MailTemplate,
    mails: readonly Pick<SecurityEvent, 'userId' | 'requestId'>[],
  ): Promise<void> {
    const event = { act: 'mail_queued', outcome: 'success', details: { template: name } } as const;
    return this.events.recordAll(mails.map((mail) => ({ ...event, ...mail })));
  }

  /** The mail server has taken a mail over. */
  recordHandedOver(mail: MailRef): Promise<void> {
    return this.record('mail_handed_over', 'success', mail);
  }

  /** A mail has not left: refused for good, or to be tried again. */
  recordFailure(mail: MailRef, error: unknown): Promise<void> {
    const act = error instanceof MailRefusedError ? 'mail_bounced' : 'mail_deferred';
    return this.record(act, 'failure', mail, { error: errorCode(error) });
  }

  /** A mail was tried for too long, and is not tried again unless an operator says so. */
  recordGivenUp(mail: MailRef): Promise<void> {
    return this.record('mail_given_up', 'failure', mail);
  }

  /** A mail will never leave. @param reason what has made it useless while it waited */
  recordSuppressed(mail: MailRef, reason: 'link_void'): Promise<void> {
    return this.record('mail_suppressed', 'failure', mail, { reason });
  }

  private record(
    act: SecurityAct,
    outcome: 'success' | 'failure',
    { id, template }: MailRef,
    details: Record<string, string> = {},
  ): Promise<void> {
    return this.events.record({
      act,
      outcome,
      details: { mailId: id, template: template.name, ...details },
    });
  }
}
