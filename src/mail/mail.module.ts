import { MailerModule } from '@nestjs-modules/mailer';
import { Module } from '@nestjs/common';
import { configurableModule } from '../common';
import { DeliveryFeedback } from './delivery-feedback';
import { MailBudget } from './mail-budget';
import { MailQueue } from './mail-queue';
import { MailRenderer } from './mail-renderer';
import { MailOptions } from './mail.options';
import { Mailer } from './mailer';
import { OutgoingMail } from './outgoing-mail';
import { SmtpMailer } from './smtp-mailer';

const { ConfigurableModuleClass, optionsProvider } = configurableModule<MailOptions, 'from'>(MailOptions);

/**
 * Mails by template and language, at once ({@link Mailer}) or queued ({@link MailQueue}). Port to replace:
 * {@link Mailer}.
 */
@Module({
  imports: [MailerModule.forRootAsync({ inject: [MailOptions], useFactory: transportOptions })],
  providers: [
    optionsProvider,
    MailRenderer,
    { provide: Mailer, useClass: SmtpMailer },
    MailBudget,
    OutgoingMail,
    MailQueue,
    DeliveryFeedback,
  ],
  exports: [DeliveryFeedback, Mailer, OutgoingMail, MailQueue, MailRenderer, MailOptions],
})
export class MailModule extends ConfigurableModuleClass {}

function transportOptions(options: MailOptions) {
  const implicitTls = options.useTls && options.port === 465;
  return {
    transport: {
      pool: true as const,
      host: options.server,
      port: options.port,
      secure: implicitTls,
      requireTLS: options.useTls && !implicitTls,
      ignoreTLS: !options.useTls,
      auth: options.username ? { user: options.username, pass: options.password ?? '' } : undefined,
      maxConnections: options.maxConnections,
      // A connection that breaks after the last byte may have delivered: when to try again is for the queue to say.
      maxRequeues: 0,
      connectionTimeout: options.timeoutMs,
      greetingTimeout: options.timeoutMs,
      socketTimeout: options.timeoutMs,
      dnsTimeout: options.timeoutMs,
      // Mails carry texts only: nothing in one may make the server read a file or fetch an address.
      disableFileAccess: true,
      disableUrlAccess: true,
    },
  };
}
