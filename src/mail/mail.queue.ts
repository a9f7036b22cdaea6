import type { QueueDefinition } from '../jobs';
import type { MailTemplate } from './mailer';

/** A mail as it rests in the queue. Of a link there is only which row to sign it for, so nothing there opens anything. */
export interface StoredMail {
  to: string;
  locale: string | null;
  template: MailTemplate;
  values: object;
  links?: Record<string, { purpose: string; id: string }>;
  /** Missing in a mail that an earlier version has queued. */
  queuedAt?: string;
}

/** Notices are worth sending for days: retried after 10, 30, 90, 270 and 810 seconds, then every quarter of an hour. */
export const mailQueue: QueueDefinition<StoredMail> = {
  name: 'mail',
  retryDelaySeconds: 10,
  maxRetryDelaySeconds: 900,
  giveUpAfterSeconds: 3 * 86_400,
  leaseSeconds: 30,
  concurrency: 20,
};
