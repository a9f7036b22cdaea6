import { RequestSource, toMinute } from '../common';
import { displayName } from './display-name';
import type { MailLink, UnsignedMail } from './mail.service';
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
 * The notice that a password was changed, however that happened, so that the owner notices a stranger's (OWASP Forgot
 * Password and Authentication cheat sheets).
 */
export function passwordChangedMail(
  { email, locale, username }: { email: string; locale: string | null; username: string },
  { changedAt, source, requestUrl }: { changedAt: Date; source: RequestSource; requestUrl: string },
  notMeUrl?: MailLink,
): UnsignedMail<PasswordChangedValues, 'notMeUrl'> {
  const values = {
    username: displayName(username),
    changedAt: toMinute(changedAt),
    source: source.ip,
    requestUrl,
  };
  return { to: email, locale, template: PASSWORD_CHANGED, values, links: { notMeUrl } };
}
