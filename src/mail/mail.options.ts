import { IsOptional } from 'class-validator';
import {
  BOUNDS,
  IsAppName,
  IsGreetingName,
  IsMailHost,
  IsSender,
  IsSwitch,
  IsText,
  IsWholeNumber,
  viewsDirectory,
} from '../common';
import { join } from 'node:path';

/** Our mail templates. */
export const shippedTemplates = join(viewsDirectory, 'mail');

/** Which server takes the mails over, and as whom they are sent. */
export class MailOptions {
  /** Name of the mail server; needed unless a {@link Mailer} of the host's own knows another road. */
  @IsOptional()
  @IsMailHost()
  server?: string;
  @IsWholeNumber(...BOUNDS.port)
  port = 25;
  /**
   * `true` demands TLS with a valid certificate and never falls back to clear text; `false` never uses TLS; not set, TLS is used
   * where it is offered, with any certificate. With a `username`, or on port 465 (TLS from the first byte), it is always demanded.
   */
  @IsOptional()
  @IsSwitch()
  useTls?: boolean;
  /** Host name by which the server greets (`EHLO`). Default: the domain of `from`. */
  @IsOptional()
  @IsGreetingName()
  ehloName?: string;
  @IsOptional()
  @IsText()
  username?: string;
  @IsOptional()
  @IsText()
  password?: string;
  /** Sender of every mail, e.g. `no-reply@example.com`. */
  @IsSender()
  from!: string;
  /** How the application calls itself in subjects and texts. */
  @IsAppName()
  appName = 'Latchkey';
  /** Connections of each process to the mail server; of reset mails, and of all others, as many are sent at a time. */
  @IsWholeNumber(...BOUNDS.mailConcurrency)
  maxConnections = 20;
  /** Milliseconds the mail server may stay silent, in any phase of a delivery. */
  @IsWholeNumber(1, 3_600_000)
  timeoutMs = 20_000;
  /** Milliseconds one delivery may take in all, however slowly the mail server answers. */
  @IsWholeNumber(1, 3_600_000)
  deliveryTimeoutMs = 60_000;
  /** Mails that leave in an hour, of all instances together; the others wait. 0 for any number. */
  @IsWholeNumber(...BOUNDS.mailsPerHour)
  mailsPerHour = 10_000;
  /** Seconds between two mails to one mailbox that anybody can cause by typing its address; 0 for none. */
  @IsWholeNumber(0, 86_400)
  mailboxCooldownSeconds = 60;
  /** Seconds between two such mails once the mailbox has got two within an hour; 0 for none. */
  @IsWholeNumber(0, 86_400)
  mailboxSpacingSeconds = 600;
  /** Mails to typed addresses of one domain that leave in an hour at once; further ones leave minutes later. 0 for any number. */
  @IsWholeNumber(...BOUNDS.mailsPerHour)
  domainMailsPerHour = 1000;
  /** Folder of the mail templates; those that it does not have are ours. */
  @IsText()
  templatesDirectory = shippedTemplates;
}
