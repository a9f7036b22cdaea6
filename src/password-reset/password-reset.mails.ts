import { RequestSource } from '../common';
import { displayName, Mail, MailLink, MailTemplate, QueuedMail } from '../mail';
import type { User } from '../users';

export const RESET_PASSWORD: MailTemplate<{
  username: string;
  link: string;
  minutes: number;
  /** The link "this was not me", if there is one, and for how long it stops mails such as this. */
  notMeUrl?: string;
  quietMinutes: number;
}> = {
  name: 'reset-password',
  subject: 'mail.resetPassword.subject',
};

interface PasswordChangedValues {
  username: string;
  changedAt: string;
  source: string;
  requestUrl: string;
  notMeUrl?: string;
}

const PASSWORD_CHANGED: MailTemplate<PasswordChangedValues> = {
  name: 'password-changed',
  subject: 'mail.passwordChanged.subject',
};

/** The mail with the link. */
export function resetPasswordMail(
  id: string,
  user: User,
  links: { link: string; notMeUrl: string | undefined },
  { tokenTtlSeconds, quietPeriodSeconds }: { tokenTtlSeconds: number; quietPeriodSeconds: number },
) {
  const values = {
    username: displayName(user.username),
    ...links,
    minutes: Math.round(tokenTtlSeconds / 60),
    quietMinutes: Math.ceil(quietPeriodSeconds / 60),
  };
  return { id, to: user.email, locale: user.locale, template: RESET_PASSWORD, values } satisfies Mail;
}

/** The notice that tells the owner of a change, so that a stranger's does not stay unseen (OWASP Forgot Password). */
export function passwordChangedMail(
  user: User,
  { changedAt, source, requestUrl }: { changedAt: Date; source: RequestSource; requestUrl: string },
  notMeUrl: MailLink | undefined,
): QueuedMail<PasswordChangedValues, 'notMeUrl'> {
  const values = {
    username: displayName(user.username),
    changedAt: `${changedAt.toISOString().slice(0, 16).replace('T', ' ')} UTC`,
    source: source.ip,
    requestUrl,
  };
  const mail = { to: user.email, locale: user.locale, template: PASSWORD_CHANGED, values };
  return notMeUrl ? { ...mail, links: { notMeUrl } } : mail;
}
