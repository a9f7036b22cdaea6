import { Injectable } from '@nestjs/common';
import { Templates, Translations } from '../common';
import { MailOptions, shippedTemplates } from './mail.options';
import type { Mail } from './mailer';

/** What a mail says, in the language of its recipient. */
export interface MailContent {
  subject: string;
  html: string;
  text: string;
}

/** Turns template and values of a mail into what it says; for every {@link Mailer}, ours and a host's own. */
@Injectable()
export class MailRenderer {
  private readonly templates: Templates;

  /** @throws Error when there is no folder as the options name it */
  constructor(
    private readonly translations: Translations,
    private readonly options: MailOptions,
  ) {
    this.templates = new Templates(options.templatesDirectory, shippedTemplates);
  }

  async render<Values extends object>({ locale, template, values }: Mail<Values>): Promise<MailContent> {
    const { appName } = this.options;
    const lang = this.translations.supported(locale);
    const t = this.translations.translator(lang);
    const locals = { ...values, t, lang, appName };
    const [html, text] = await Promise.all([
      this.templates.render(template.name, locals),
      this.templates.render(`${template.name}.text`, locals),
    ]);
    return { subject: t(template.subject, { appName }), html, text };
  }
}
