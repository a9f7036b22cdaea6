import { MailerService } from '@nestjs-modules/mailer';
import { Injectable, OnApplicationShutdown } from '@nestjs/common';
import { Clock } from '../common';
import { MailRenderer } from './mail-renderer';
import { MailOptions } from './mail.options';
import { Mail, Mailer, MailRefusedError } from './mailer';

/**
 * What nodemailer calls a reply to MAIL, RCPT or DATA. A 5xx before them, such as to a wrong password (535) or to every
 * connection (554), is about the server and its settings: the mail is as good as before.
 */
const ABOUT_THIS_MAIL = new Set(['EENVELOPE', 'EMESSAGE']);

/** We have to log in first (RFC 4954, section 6), whatever command it answers. */
const AUTHENTICATION_REQUIRED = 530;

/** Of anything else, such as a list or a group, nodemailer makes an address that is not the stored one. */
const ONE_ADDRESS = /^[^\s"(),:;<>@[\]\\]+@[^\s"(),:;<>@[\]\\]+$/;

/** Mails over SMTP: one recipient each, connections kept open. */
@Injectable()
export class SmtpMailer extends Mailer implements OnApplicationShutdown {
  private readonly domain: string;
  private readonly closeConnections: () => void;

  /** @throws Error when the module was told no server */
  constructor(
    private readonly transport: MailerService,
    private readonly renderer: MailRenderer,
    private readonly clock: Clock,
    private readonly options: MailOptions,
  ) {
    super();
    if (!options.server)
      throw new Error('MailModule needs a "server", or a Mailer of your own in "overrides".');
    // MailerService closes its connections in the first phase of a shutdown, while jobs are still sending; a mail handed
    // to closed connections is never answered. So they are closed here, in the last phase.
    const transporter = transport.getTransporter();
    this.closeConnections = () => void transporter.transporter.close?.({ force: true });
    transporter.close = () => undefined;
    this.domain = options.from.replace(/^.*@/, '').replace(/>$/, '');
  }

  async send<Values extends object>(mail: Mail<Values>): Promise<void> {
    if (!ONE_ADDRESS.test(mail.to)) throw new MailRefusedError('the recipient is not one plain address');
    await this.deliver({
      ...(await this.renderer.render(mail)),
      from: this.options.from,
      to: { name: '', address: mail.to },
      messageId: `<${mail.id}@${this.domain}>`,
      date: this.clock.now(),
      // The timeouts of the transport start anew with each byte; a server that trickles its replies never meets them.
      signal: AbortSignal.timeout(this.options.deliveryTimeoutMs),
      headers: { 'Auto-Submitted': 'auto-generated' },
    });
  }

  onApplicationShutdown(): void {
    this.closeConnections();
  }

  private async deliver(message: Parameters<MailerService['sendMail']>[0]): Promise<void> {
    try {
      await this.transport.sendMail(message);
    } catch (error) {
      const { responseCode, code = '' } = error as { responseCode?: number; code?: string };
      if (responseCode === undefined) throw error;
      if (responseCode >= 500 && responseCode !== AUTHENTICATION_REQUIRED && ABOUT_THIS_MAIL.has(code))
        throw new MailRefusedError(`SMTP ${responseCode}`, responseCode);
      // Not the server's own words: they quote the recipient, or the name that we log in with.
      throw Object.assign(new Error(`SMTP ${responseCode} (${code})`), { code: responseCode });
    }
  }
}
