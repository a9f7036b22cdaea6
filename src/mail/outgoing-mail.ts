import { Injectable } from '@nestjs/common';
import { errorCode, SecurityAct, SecurityEvents } from '../common';
import { MailBudget } from './mail-budget';
import { Mail, Mailer, MailRefusedError, MailTemplate } from './mailer';

/** The one door through which every mail leaves, whoever sends it and whatever {@link Mailer} is behind it. */
@Injectable()
export class OutgoingMail {
  constructor(
    private readonly mailer: Mailer,
    private readonly budget: MailBudget,
    private readonly events: SecurityEvents,
  ) {}

  /** As {@link Mailer.send}. @throws MailBudgetSpentError, LimiterUnavailableError: nothing was sent, try again later */
  async send<Values extends object>(mail: Mail<Values>): Promise<void> {
    try {
      await this.budget.spend(mail.template);
      await this.handOver(mail);
    } catch (error) {
      const act = error instanceof MailRefusedError ? 'mail_bounced' : 'mail_deferred';
      await this.record(act, 'failure', { ...about(mail), error: errorCode(error) });
      throw error;
    }
    await this.record('mail_handed_over', 'success', about(mail));
  }

  /** Tells, in the transaction that causes it, that a mail waits for its turn. @param userId whose mail, where it is known */
  tellQueued({ name }: MailTemplate, userId?: string): Promise<void> {
    const details = { template: name };
    return this.events.record({ act: 'mail_queued', outcome: 'success', userId, details });
  }

  /** Tells that a mail has been tried for too long, and is not tried any more unless an operator says so. */
  tellGivenUp(mail: Pick<Mail, 'id' | 'template'>): Promise<void> {
    return this.record('mail_given_up', 'failure', about(mail));
  }

  /** Tells that a mail will never leave. @param reason what has made it useless while it waited */
  tellSuppressed(mail: Pick<Mail, 'id' | 'template'>, reason: 'link_void'): Promise<void> {
    return this.record('mail_suppressed', 'failure', { ...about(mail), reason });
  }

  /** What has not left costs nothing. */
  private async handOver<Values extends object>(mail: Mail<Values>): Promise<void> {
    try {
      await this.mailer.send(mail);
    } catch (error) {
      await this.budget.giveBack(mail.template);
      throw error;
    }
  }

  private record(
    act: SecurityAct,
    outcome: 'success' | 'failure',
    details: Record<string, string>,
  ): Promise<void> {
    return this.events.record({ act, outcome, details });
  }
}

function about({ id, template }: Pick<Mail, 'id' | 'template'>): { mailId: string; template: string } {
  return { mailId: id, template: template.name };
}
