import { toMinute } from '../common';
import { displayName, MailTemplate, QueuedMail } from '../mail';
import type { User } from '../users';
import type { RegistrationOptions } from './registration.options';
import type { Registration } from './registration-store';

/** What the token of a link is good for; part of every mailed link, so it is forever. */
export const REGISTRATION_PURPOSE = 'registration';

interface VerifyEmailValues {
  username: string;
  requestedAt: string;
  hours: number;
  verifyUrl: string;
}

export const VERIFY_EMAIL: MailTemplate<VerifyEmailValues> = {
  name: 'verify-email',
  subject: 'mail.verifyEmail.subject',
  toTypedAddress: true,
};

interface RegistrationNoticeValues {
  username: string;
  requestedAt: string;
  requestUrl: string;
}

const REGISTRATION_NOTICE: MailTemplate<RegistrationNoticeValues> = {
  name: 'registration-notice',
  subject: 'mail.registrationNotice.subject',
  toTypedAddress: true,
};

const SECONDS_AN_HOUR = 3600;

/** The mail with the link that confirms an address. */
export function verifyEmailMail(
  registration: Registration,
  user: User,
  { verifyUrl, tokenTtlSeconds: ttlSeconds }: RegistrationOptions,
): QueuedMail<VerifyEmailValues, 'verifyUrl'> {
  const { id, username, locale, createdAt } = registration;
  return {
    to: user.email,
    locale,
    template: VERIFY_EMAIL,
    values: {
      username: displayName(username),
      requestedAt: toMinute(createdAt),
      hours: Math.max(1, Math.floor(ttlSeconds / SECONDS_AN_HOUR)),
    },
    links: { verifyUrl: { url: verifyUrl, purpose: REGISTRATION_PURPOSE, id, ttlSeconds } },
  };
}

/** Tells the owner of an account that somebody has tried to register with their address. Nothing typed is in it. */
export function registrationNoticeMail(
  { createdAt }: Registration,
  { email, locale, username }: User,
  { requestUrl }: RegistrationOptions,
): QueuedMail<RegistrationNoticeValues> {
  const values = { username: displayName(username), requestedAt: toMinute(createdAt), requestUrl };
  return { to: email, locale, template: REGISTRATION_NOTICE, values };
}
