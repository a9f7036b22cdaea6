import { RequestSource, toMinute } from '../common';
import { displayName } from './display-name';
import type { MailLink, QueuedMail } from './mail-queue';
import type { MailTemplate } from './mailer';

interface PasswordChangedValues {
  username: string;
  changedAt: string;
  source: string;
  requestUrl: string;
  /** The link "this was not me", if there is one. */
  notMeUrl?: string;
}

const PASSWORD_CHANGED: MailTemplate<PasswordChangedValues> = {
  name: 'password-changed',
  subject: 'mail.passwordChanged.subject',
};

/**
 * The notice that tells the owner of a new password, on whatever road it was set, so that a stranger's does not stay unseen
 * (OWASP Forgot Password and Authentication cheat sheets).
 */
export function passwordChangedMail(
  { email, locale, username }: { email: string; locale: string | null; username: string },
  { changedAt, source, requestUrl }: { changedAt: Date; source: RequestSource; requestUrl: string },
  notMeUrl?: MailLink,
): QueuedMail<PasswordChangedValues, 'notMeUrl'> {
  const values = {
    username: displayName(username),
    changedAt: toMinute(changedAt),
    source: source.ip,
    requestUrl,
  };
  const mail = { to: email, locale, template: PASSWORD_CHANGED, values };
  return notMeUrl ? { ...mail, links: { notMeUrl } } : mail;
}
