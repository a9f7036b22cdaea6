import { Injectable, Logger } from '@nestjs/common';
import { Clock } from '../common';
import { Job, JobQueue } from '../jobs';
import { LinkKind, LinkService } from '../links';
import { DomainPace } from './domain-pace';
import { MailEvents } from './mail-events';
import { mailQueue, StoredMail } from './mail.queue';
import { MailOptions } from './mail.options';
import { Mail, MailRefusedError } from './mailer';
import { OutgoingMail } from './outgoing-mail';

/** A link in a mail, signed when the mail is sent. Left out where its kind has no URL. */
export interface MailLink {
  kind: LinkKind;
  /** The row that it names. */
  id: string;
  /** Where the row keeps its own end; see {@link LinkService.endOf}. */
  expiresAt?: Date;
}

/** A mail whose links are not signed yet: they are `links`, by the names of the values that they become. */
export interface UnsignedMail<
  Values extends object = object,
  Links extends keyof Values = never,
> extends Omit<Mail<Values>, 'id' | 'values'> {
  values: Omit<Values, Links>;
  links?: { [Name in Links]: MailLink | Extract<Values[Name], undefined> };
}

/**
 * The one way to mail. A mail leaves at once, in the job that is running, or is queued in the transaction that causes it;
 * its links are signed when it leaves, at each try.
 */
@Injectable()
export class MailService {
  private readonly logger = new Logger('Mail');

  constructor(
    private readonly jobs: JobQueue,
    private readonly outgoing: OutgoingMail,
    private readonly domainPace: DomainPace,
    private readonly links: LinkService,
    private readonly events: MailEvents,
    private readonly clock: Clock,
    { maxConnections: concurrency }: MailOptions,
  ) {
    jobs.work<StoredMail>(
      { ...mailQueue, concurrency },
      (job) => this.deliver(job),
      ({ id, data }) => events.recordGivenUp({ id, template: data.template }),
    );
  }

  /**
   * Sends a mail now.
   * @param id stays the same when one logical mail is sent again
   * @throws MailRefusedError when its recipient is refused for good; any other error when it may leave later
   */
  async send<Values extends object, Links extends keyof Values = never>(
    id: string,
    { links, values, ...mail }: UnsignedMail<Values, Links>,
  ): Promise<void> {
    const signed = linksIn(links).map(([name, { kind, id, expiresAt }]) => [
      name,
      this.links.sign(kind, id, expiresAt),
    ]);
    await this.outgoing.send({ ...mail, id, values: { ...values, ...Object.fromEntries(signed) } as Values });
  }

  /**
   * Queues a mail, in the transaction under way if there is one. It rests in the database until it leaves, so never give
   * it a secret: links go into `links`.
   */
  async enqueue<Values extends object, Links extends keyof Values = never>(
    mail: UnsignedMail<Values, Links>,
  ): Promise<void> {
    const { to, locale, template, values } = mail;
    const links = linksIn(mail.links).map(([name, { kind, id }]) => [
      name,
      // A worker of version 0.1.0, beside which this one may run while it is rolled out, reads the last two.
      { purpose: kind.purpose, id, url: kind.url, ttlSeconds: kind.ttlSeconds },
    ]);
    const queuedAt = this.clock.now().toISOString();
    const stored = { to, locale, template, values, queuedAt, links: Object.fromEntries(links) as object };
    await this.jobs.enqueue(mailQueue, stored as StoredMail);
    await this.events.recordQueued(template);
  }

  private async deliver({ id, data }: Job<StoredMail>): Promise<void> {
    const { queuedAt, links: stored = {}, ...mail } = data;
    const links = Object.entries(stored).map(([name, link]): [string, MailLink] => [
      name,
      { kind: this.links.kindOf(link.purpose), id: link.id },
    ]);
    for (const [, { kind, id: rowId }] of links) {
      const row = await kind.findRow(rowId);
      // What has ended the link has sent a mail of its own, or was its recipient's doing.
      if (!row || !(await kind.isWorthMailing(row)))
        return this.events.recordSuppressed({ ...mail, id }, 'link_void');
    }
    if (queuedAt && mail.template.toTypedAddress) await this.domainPace.take(id, mail.to, new Date(queuedAt));
    try {
      await this.send(id, { ...mail, links: Object.fromEntries(links) });
    } catch (error) {
      if (!(error instanceof MailRefusedError)) throw error;
      this.logger.warn(`mail ${id} (${mail.template.name}) was refused for good: ${error.message}`);
    }
  }
}

/** The links of a mail, by name, without those that are not mailed. */
function linksIn(links: { [name: string]: MailLink | undefined } = {}): [string, MailLink][] {
  return Object.entries(links).filter(
    (entry): entry is [string, MailLink] => entry[1]?.kind.url !== undefined,
  );
}
