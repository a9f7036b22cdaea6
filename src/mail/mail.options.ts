import { join } from 'node:path';
import { viewsDirectory } from '../common';

/** Our mail templates. */
export const shippedTemplates = join(viewsDirectory, 'mail');

/** Which server takes the mails over, and as whom they are sent. */
export class MailOptions {
  /** Name of the mail server; needed unless a {@link Mailer} of the host's own knows another road. */
  server?: string;
  port = 25;
  /** Demand STARTTLS (or TLS from the first byte on port 465) with a valid certificate; never fall back to clear text. */
  useTls = false;
  username?: string;
  password?: string;
  /** Sender of every mail, e.g. `no-reply@example.com`. */
  from!: string;
  /** How the application calls itself in subjects and texts. */
  appName = 'Latchkey';
  /** Connections kept open to the mail server; as many mails are under way at a time. */
  maxConnections = 5;
  /** Milliseconds the mail server may stay silent, in any phase of a delivery. */
  timeoutMs = 20_000;
  /** Milliseconds one delivery may take in all, however slowly the mail server answers. */
  deliveryTimeoutMs = 60_000;
  /** Mails that leave in an hour, of all instances together; the others wait. 0 for any number. */
  mailsPerHour = 10_000;
  /** Folder of the mail templates; those that it does not have are ours. */
  templatesDirectory = shippedTemplates;
}
