import { MailerModule } from '@nestjs-modules/mailer';
import { Module } from '@nestjs/common';
import { configurableModule } from '../common';
import { LinksModule } from '../links';
import { DeliveryFeedback } from './delivery-feedback';
import { DomainPace } from './domain-pace';
import { MailBudget } from './mail-budget';
import { MailEvents } from './mail-events';
import { MailRenderer } from './mail-renderer';
import { MailRoad } from './mail-road';
import { MailService } from './mail.service';
import { MailOptions } from './mail.options';
import { MailboxPace } from './mailbox-pace';
import { MailboxPaceStore } from './mailbox-pace-store';
import { Mailer } from './mailer';
import { OutgoingMail } from './outgoing-mail';
import { senderDomain } from './sender-domain';
import { SmtpMailer } from './smtp-mailer';
import { TypeOrmMailboxPaceStore } from './typeorm-mailbox-pace-store';

const { ConfigurableModuleClass, optionsProvider } = configurableModule<MailOptions, 'from'>(MailOptions);

/**
 * Mails by template and language, at once or queued ({@link MailService}). Ports to replace:
 * {@link Mailer}, {@link MailboxPaceStore}.
 */
@Module({
  imports: [LinksModule, MailerModule.forRootAsync({ inject: [MailOptions], useFactory: transportOptions })],
  providers: [
    optionsProvider,
    MailRenderer,
    { provide: Mailer, useClass: SmtpMailer },
    MailBudget,
    MailRoad,
    DomainPace,
    MailEvents,
    OutgoingMail,
    MailService,
    DeliveryFeedback,
    { provide: MailboxPaceStore, useClass: TypeOrmMailboxPaceStore },
    MailboxPace,
  ],
  exports: [
    DeliveryFeedback,
    MailboxPace,
    Mailer,
    MailEvents,
    MailService,
    MailRenderer,
    MailRoad,
    MailOptions,
  ],
})
export class MailModule extends ConfigurableModuleClass {}

/** TLS from the first byte. */
const TLS_PORT = 465;

function transportOptions(options: MailOptions) {
  return {
    transport: {
      pool: true as const,
      host: options.server,
      port: options.port,
      ...tlsOptions(options),
      name: options.ehloName ?? hostIn(senderDomain(options.from)),
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

/**
 * Demanded, with a certificate that holds, where there is a password to protect, and on the port that is for TLS alone (RFC
 * 8314, section 3.3). Else TLS wherever it is offered, with any certificate: encryption that nobody has
 * authenticated is better than none (RFC 7435).
 */
function tlsOptions({ useTls, port, username }: MailOptions) {
  if (useTls === false) {
    if (username || port === TLS_PORT)
      throw new Error('MailModule: "useTls" must not be false with a "username", nor on port 465.');
    return { secure: false, ignoreTLS: true };
  }
  if (port === TLS_PORT) return { secure: true };
  if (useTls || username) return { secure: false, requireTLS: true };
  return { secure: false, opportunisticTLS: true, tls: { rejectUnauthorized: false } };
}

/** RFC 5321, section 4.1.1.1, wants a name with a domain; without one, nodemailer takes that of the machine. */
function hostIn(domain: string): string | undefined {
  return domain.includes('.') ? domain : undefined;
}
