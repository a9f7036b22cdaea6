import { MailerService } from '@nestjs-modules/mailer';
import { Injectable } from '@nestjs/common';
import { Templates, Translations } from '../common';
import { MailOptions } from './mail.options';
import { Mail, Mailer, MailRefusedError } from './mailer';

/** Mails over SMTP: one recipient each, text and HTML from the same locale file, connections kept open. */
@Injectable()
export class SmtpMailer extends Mailer {
  private readonly templates: Templates;
  private readonly domain: string;

  constructor(
    private readonly transport: MailerService,
    private readonly translations: Translations,
    private readonly options: MailOptions,
  ) {
    super();
    this.templates = new Templates(options.templatesDirectory);
    this.domain = options.from.replace(/^.*@/, '').replace(/>$/, '');
  }

  async send<Values extends object>({ id, to, locale, template, values }: Mail<Values>): Promise<void> {
    const { appName, from } = this.options;
    const lang = this.translations.supported(locale);
    const t = this.translations.translator(lang);
    const locals = { ...values, t, lang, appName };
    const [html, text] = await Promise.all([
      this.templates.render(template.name, locals),
      this.templates.render(`${template.name}.text`, locals),
    ]);
    await this.deliver({
      from,
      to: { name: '', address: to },
      subject: t(template.subject, { appName }),
      text,
      html,
      messageId: `<${id}@${this.domain}>`,
      headers: { 'Auto-Submitted': 'auto-generated' },
    });
  }

  private async deliver(message: Parameters<MailerService['sendMail']>[0]): Promise<void> {
    try {
      await this.transport.sendMail(message);
    } catch (error) {
      const { responseCode } = error as { responseCode?: number };
      if (responseCode !== undefined && responseCode >= 500)
        throw new MailRefusedError(`SMTP ${responseCode}`);
      throw error;
    }
  }
}
