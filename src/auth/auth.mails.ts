import { RequestSource, toMinute } from '../common';
import { displayName, MailTemplate, UnsignedMail } from '../mail';
import type { User } from '../users';

const SIGN_IN_NOTICE: MailTemplate<{
  username: string;
  /** When, for people. */
  signedInAt: string;
  /** The client's address. */
  source: string;
  requestUrl: string;
}> = {
  name: 'sign-in-notice',
  subject: 'mail.signInNotice.subject',
};

/** Notifies the owner that somebody has signed in after many wrong passwords. */
export function signInNoticeMail(
  { email, locale, username }: User,
  at: Date,
  source: RequestSource,
  requestUrl: string,
) {
  const values = {
    username: displayName(username),
    signedInAt: toMinute(at),
    source: source.ip,
    requestUrl,
  };
  return { to: email, locale, template: SIGN_IN_NOTICE, values } satisfies UnsignedMail;
}
