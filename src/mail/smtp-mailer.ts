import { MailerService } from '@nestjs-modules/mailer';
import { Injectable, OnApplicationShutdown } from '@nestjs/common';
import { Clock } from '../common';
import { MailRenderer } from './mail-renderer';
import { MailOptions } from './mail.options';
import { Mail, Mailer, MailOutageError, MailRefusedError } from './mailer';
import { senderDomain } from './sender-domain';
import { codesAndStepOf, codesOf, isAboutRecipient, isPermanent, SmtpReply } from './smtp-reply';

/** Of anything else, such as a list or a group, nodemailer makes an address that is not the stored one. */
const ONE_ADDRESS = /^[^\s"(),:;<>@[\]\\]+@[^\s"(),:;<>@[\]\\]+$/;

/** Where nodemailer itself finds a fault with a mail. */
const ABOUT_THE_MAIL = new Set(['EENVELOPE', 'EMESSAGE', 'ESTREAM']);

/** Mails over SMTP: one recipient each, connections kept open. */
@Injectable()
export class SmtpMailer extends Mailer implements OnApplicationShutdown {
  private readonly domain: string;
  private readonly closeConnections: () => void;

  /** @throws Error when the options name no server */
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
    this.domain = senderDomain(options.from);
  }

  async send<Values extends object>(mail: Mail<Values>): Promise<void> {
    if (!ONE_ADDRESS.test(mail.to)) throw new MailRefusedError('the recipient is not one plain address');
    await this.deliver({
      ...(await this.renderer.render(mail)),
      from: this.options.from,
      to: { name: '', address: mail.to },
      messageId: `<${mail.id}@${this.domain}>`,
      date: this.clock.now(),
      // The timeouts of the transport restart with each byte; a server that trickles its replies never meets them.
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
      throw toMailError(error as Partial<SmtpReply> & NodemailerError);
    }
  }
}

interface NodemailerError extends Error {
  /** Code of the system or of TLS, where `code` is nodemailer's word for the phase. */
  originalCode?: string;
}

/** Of a reply only the codes: its words quote the recipient, or the name that we log in with. */
function toMailError(error: Partial<SmtpReply> & NodemailerError): Error {
  const { responseCode, response, command, code } = error;
  if (responseCode === undefined) {
    // Found out before anything was said to the server.
    if (ABOUT_THE_MAIL.has(code ?? '')) return error;
    return new MailOutageError(error.message, error.originalCode ?? code);
  }
  const reply = { responseCode, response, command, code };
  if (!isAboutRecipient(reply))
    return new MailOutageError(`SMTP ${codesAndStepOf(reply)}`, codesAndStepOf(reply));
  const codes = codesOf(reply);
  if (isPermanent(reply)) return new MailRefusedError(`SMTP ${codes}`, codes);
  return Object.assign(new Error(`SMTP ${codes}`), { code: codes });
}
