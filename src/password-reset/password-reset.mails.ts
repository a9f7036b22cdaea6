import { displayName, MailTemplate, UnsignedMail } from '../mail';
import type { User } from '../users';
import type { DisavowalLink } from './disavowal.link';
import type { PasswordResetOptions } from './password-reset.options';
import type { PasswordReset } from './password-reset-store';
import type { ResetLink } from './reset.link';

interface ResetPasswordValues {
  /** Missing while nobody has confirmed the address. */
  username?: string;
  link: string;
  minutes: number;
  /** The link "this was not me", if there is one, and for how long it stops mails such as this. */
  notMeUrl?: string;
  quietMinutes: number;
  /** The former address of the account that using the link makes its address again. */
  restoresEmail?: string;
}

export const RESET_PASSWORD: MailTemplate<ResetPasswordValues> = {
  name: 'reset-password',
  subject: 'mail.resetPassword.subject',
};

/** The mail with the link. @param user with the address that it goes to */
export function resetPasswordMail(
  { id, expiresAt, undoneChangeId }: PasswordReset,
  user: User,
  { resetLink, disavowalLink }: { resetLink: ResetLink; disavowalLink: DisavowalLink },
  { quietPeriodSeconds }: PasswordResetOptions,
): UnsignedMail<ResetPasswordValues, 'link' | 'notMeUrl'> {
  return {
    to: user.email,
    locale: user.locale,
    template: RESET_PASSWORD,
    values: {
      ...(!user.unverifiedSince && { username: displayName(user.username) }),
      minutes: Math.round(resetLink.ttlSeconds / 60),
      quietMinutes: Math.ceil(quietPeriodSeconds / 60),
      ...(undoneChangeId && { restoresEmail: user.email }),
    },
    links: {
      link: { kind: resetLink, id, expiresAt },
      // At a former address it would do nothing: the account has another one.
      notMeUrl: undoneChangeId ? undefined : { kind: disavowalLink, id },
    },
  };
}
