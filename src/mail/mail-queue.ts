import { Injectable, Logger } from '@nestjs/common';
import { Clock, secondsAfter, SignedTokens } from '../common';
import { Job, JobQueue, QueueDefinition } from '../jobs';
import { Mail, MailRefusedError } from './mailer';
import { OutgoingMail } from './outgoing-mail';

/** A link that is signed when its mail is sent, and lives from then. */
export interface MailLink {
  /** With `{token}` in it; from the settings, never from a request (CVE-2012-4520). */
  url: string;
  /** What the token is good for, and nothing else; see {@link SignedTokens}. */
  purpose: string;
  /** The row that the token names. */
  id: string;
  ttlSeconds: number;
}

/** A mail as it rests in the queue. Of a link there is only what to sign, so nothing there opens anything. */
export interface QueuedMail<Values extends object = object, Links extends keyof Values = never> extends Omit<
  Mail<Values>,
  'id' | 'values'
> {
  values: Omit<Values, Links>;
  /** The values that are links, by name. */
  links?: Record<Links, MailLink>;
}

/** @param id of the row that the link names */
type LinkCheck = (id: string) => Promise<boolean>;

type StoredMail = QueuedMail & { links?: Record<string, MailLink> };

/** Notices are worth sending for days: tried after 10, 30, 90, 270 and 810 seconds, then every quarter of an hour. */
export const mailQueue: QueueDefinition<StoredMail> = {
  name: 'mail',
  retryDelaySeconds: 10,
  maxRetryDelaySeconds: 900,
  giveUpAfterSeconds: 3 * 86_400,
  leaseSeconds: 30,
  concurrency: 5,
};

/**
 * Mails that are sent after the change that causes them has been committed. They rest in the database until then, so
 * never give one a secret: links go into `links`.
 */
@Injectable()
export class MailQueue {
  private readonly logger = new Logger('Mail');
  private readonly linkChecks = new Map<string, LinkCheck>();

  constructor(
    private readonly jobs: JobQueue,
    private readonly outgoing: OutgoingMail,
    private readonly tokens: SignedTokens,
    private readonly clock: Clock,
  ) {
    jobs.work(
      mailQueue,
      (job) => this.deliver(job),
      ({ id, data }) => outgoing.tellGivenUp({ id, template: data.template }),
    );
  }

  /** Adds a mail, in the transaction under way where there is one. */
  async enqueue<Values extends object, Links extends keyof Values = never>(
    mail: QueuedMail<Values, Links>,
  ): Promise<void> {
    const { to, locale, template, values, links } = mail;
    await this.jobs.enqueue(mailQueue, { to, locale, template, values, ...(links && { links }) });
    await this.outgoing.tellQueued(template);
  }

  /**
   * Says how to find out whether a link for a purpose is still good when its mail leaves. A mail with one that is not is
   * never sent: whatever made the link void has been told of by a mail of its own, or was its recipient's doing.
   */
  checkLinks(purpose: string, isGood: LinkCheck): void {
    this.linkChecks.set(purpose, isGood);
  }

  private async deliver({ id, data: { links = {}, ...mail } }: Job<StoredMail>): Promise<void> {
    if (await this.hasVoidLink(links)) return this.outgoing.tellSuppressed({ ...mail, id }, 'link_void');
    const signed = Object.entries(links).map(([name, link]) => [name, this.sign(link)]);
    const values = { ...mail.values, ...Object.fromEntries(signed) } as object;
    try {
      await this.outgoing.send({ ...mail, id, values });
    } catch (error) {
      if (!(error instanceof MailRefusedError)) throw error;
      this.logger.warn(`mail ${id} (${mail.template.name}) was refused for good: ${error.message}`);
    }
  }

  private async hasVoidLink(links: Record<string, MailLink>): Promise<boolean> {
    for (const { purpose, id } of Object.values(links)) {
      const isGood = this.linkChecks.get(purpose);
      if (isGood && !(await isGood(id))) return true;
    }
    return false;
  }

  private sign({ url, purpose, id, ttlSeconds }: MailLink): string {
    const token = this.tokens.sign(purpose, id, secondsAfter(this.clock.now(), ttlSeconds));
    return url.replaceAll('{token}', token);
  }
}
