import { displayName, Mail, MailTemplate } from '../mail';
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
