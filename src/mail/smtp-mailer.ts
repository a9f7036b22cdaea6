import { MailerService } from '@nestjs-modules/mailer';
import { Injectable, OnApplicationShutdown } from '@nestjs/common';
import { MailRenderer } from './mail-renderer';
import { MailOptions } from './mail.options';
import { Mail, Mailer, MailRefusedError } from './mailer';

/** Mails over SMTP: one recipient each, connections kept open. */
@Injectable()
export class SmtpMailer extends Mailer implements OnApplicationShutdown {
  private readonly domain: string;
  private readonly closeConnections: () => void;

  /** @throws Error when the module was told no server */
  constructor(
    private readonly transport: MailerService,
    private readonly renderer: MailRenderer,
    private readonly options: MailOptions,
  ) {
    super();
    if (!options.server)
      throw new Error('MailModule needs a "server", or a Mailer of your own in "overrides".');
    // MailerService closes its connections in the first phase of a shutdown, while jobs are still sending; a mail handed
    // to closed connections is never answered. So they are closed here, in the last phase.
    const transporter = transport.getTransporter();
    this.closeConnections = transporter.close.bind(transporter);
    transporter.close = () => undefined;
    this.domain = options.from.replace(/^.*@/, '').replace(/>$/, '');
  }

  async send<Values extends object>(mail: Mail<Values>): Promise<void> {
    await this.deliver({
      ...(await this.renderer.render(mail)),
      from: this.options.from,
      to: { name: '', address: mail.to },
      messageId: `<${mail.id}@${this.domain}>`,
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
      const { responseCode } = error as { responseCode?: number };
      if (responseCode !== undefined && responseCode >= 500)
        throw new MailRefusedError(`SMTP ${responseCode}`, responseCode);
      throw error;
    }
  }
}
