import { Injectable, Logger } from '@nestjs/common';
import { Job, JobQueue, QueueDefinition } from '../jobs';
import { Mail, Mailer, MailRefusedError } from './mailer';

type QueuedMail = Omit<Mail, 'id'>;

/** Notices are worth sending for days: eleven new tries, the gaps doubling from a minute, take 34 to 68 hours. */
export const mailQueue: QueueDefinition<QueuedMail> = {
  name: 'mail',
  retryLimit: 11,
  retryDelaySeconds: 60,
  leaseSeconds: 60,
  concurrency: 5,
};

/**
 * Mails that are sent after the change that causes them has been committed. They rest in the database until then, so
 * never give one a secret.
 */
@Injectable()
export class MailQueue {
  private readonly logger = new Logger('Mail');

  constructor(
    private readonly jobs: JobQueue,
    private readonly mailer: Mailer,
  ) {
    jobs.work(mailQueue, (job) => this.deliver(job));
  }

  /** Adds a mail, in the transaction under way where there is one. */
  async enqueue<Values extends object>({
    to,
    locale,
    template,
    values,
  }: Omit<Mail<Values>, 'id'>): Promise<void> {
    await this.jobs.enqueue(mailQueue, { to, locale, template, values });
  }

  private async deliver({ id, data }: Job<QueuedMail>): Promise<void> {
    try {
      await this.mailer.send({ ...data, id });
    } catch (error) {
      if (!(error instanceof MailRefusedError)) throw error;
      this.logger.warn(`mail ${id} (${data.template.name}) was refused for good: ${error.message}`);
    }
  }
}
