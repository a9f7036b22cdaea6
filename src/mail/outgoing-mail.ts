import { Injectable } from '@nestjs/common';
import { errorCode } from '../common';
import { MailAllowance, MailBudget } from './mail-budget';
import { MailEvents } from './mail-events';
import { MailRoad } from './mail-road';
import { Mail, Mailer, MailOutageError } from './mailer';

/** Every mail leaves here, from every sender and through every {@link Mailer}. */
@Injectable()
export class OutgoingMail {
  constructor(
    private readonly mailer: Mailer,
    private readonly budget: MailBudget,
    private readonly road: MailRoad,
    private readonly events: MailEvents,
  ) {}

  /** As {@link Mailer.send}. @throws MailBudgetSpentError, LimiterUnavailableError: nothing was sent, try again later */
  async send<Values extends object>(mail: Mail<Values>): Promise<void> {
    try {
      const allowance = await this.budget.consume(mail.template);
      await this.handOver(mail, allowance);
    } catch (error) {
      await this.events.recordFailure(mail, error);
      throw error;
    }
    await this.events.recordHandedOver(mail);
  }

  /** A mail that has not left does not count. */
  private async handOver<Values extends object>(mail: Mail<Values>, allowance: MailAllowance): Promise<void> {
    try {
      await this.mailer.send(mail);
    } catch (error) {
      allowance.refund();
      if (error instanceof MailOutageError) this.road.failed(errorCode(error));
      throw error;
    }
    this.road.passed();
  }
}
