import { Injectable } from '@nestjs/common';
import { SecurityEvents } from '../common';
import { MailBudget } from './mail-budget';
import { Mail, Mailer, MailRefusedError } from './mailer';

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
    await this.budget.spend();
    try {
      await this.mailer.send(mail);
    } catch (error) {
      await this.budget.giveBack();
      await this.recordHandOver(mail, 'failure', { error: codeOf(error) });
      throw error;
    }
    await this.recordHandOver(mail, 'success');
  }

  private recordHandOver(
    { id, template }: Mail,
    outcome: 'success' | 'failure',
    details: { error?: string } = {},
  ): Promise<void> {
    const mail = { mailId: id, template: template.name };
    return this.events.record({ act: 'mail_handed_over', outcome, details: { ...mail, ...details } });
  }
}

/** The reply of the mail server, or why there was none; never a text, which may quote the recipient. */
function codeOf(error: unknown): string {
  if (error instanceof MailRefusedError) return String(error.code ?? 'refused');
  const { responseCode, code } = error as { responseCode?: number; code?: string };
  return String(responseCode ?? code ?? 'unknown');
}
