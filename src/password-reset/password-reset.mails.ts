import { RequestSource } from '../common';
import { displayName, Mail, MailTemplate } from '../mail';
import type { User } from '../users';

const RESET_PASSWORD: MailTemplate<{ username: string; link: string; minutes: number }> = {
  name: 'reset-password',
  subject: 'mail.resetPassword.subject',
};

const PASSWORD_CHANGED: MailTemplate<{
  username: string;
  changedAt: string;
  source: string;
  requestUrl: string;
}> = {
  name: 'password-changed',
  subject: 'mail.passwordChanged.subject',
};

/** The mail with the link. */
export function resetPasswordMail(id: string, user: User, link: string, ttlSeconds: number) {
  const values = { username: displayName(user.username), link, minutes: Math.round(ttlSeconds / 60) };
  return { id, to: user.email, locale: user.locale, template: RESET_PASSWORD, values } satisfies Mail;
}

/** The notice that tells the owner of a change, so that a stranger's does not stay unseen (OWASP Forgot Password). */
export function passwordChangedMail(user: User, changedAt: Date, source: RequestSource, requestUrl: string) {
  const values = {
    username: displayName(user.username),
    changedAt: `${changedAt.toISOString().slice(0, 16).replace('T', ' ')} UTC`,
    source: source.ip,
    requestUrl,
  };
  return { to: user.email, locale: user.locale, template: PASSWORD_CHANGED, values } satisfies Omit<
    Mail,
    'id'
  >;
}
