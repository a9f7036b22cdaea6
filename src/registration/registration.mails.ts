import { toMinute } from '../common';
import { displayName, MailTemplate, UnsignedMail } from '../mail';
import type { User } from '../users';
import type { RegistrationLink } from './registration.link';
import type { Registration } from './registration-store';

interface VerifyEmailValues {
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

const SECONDS_PER_HOUR = 3600;

/**
 * The mail with the link that confirms an address. It repeats nothing that was typed, and its language is the server's:
 * anybody can have it sent to anybody.
 */
export function verifyEmailMail(
  { id, email, createdAt }: Registration,
  kind: RegistrationLink,
): UnsignedMail<VerifyEmailValues, 'verifyUrl'> {
  return {
    to: email,
    locale: null,
    template: VERIFY_EMAIL,
    values: {
      requestedAt: toMinute(createdAt),
      hours: Math.max(1, Math.floor(kind.ttlSeconds / SECONDS_PER_HOUR)),
    },
    links: { verifyUrl: { kind, id } },
  };
}

/** The notice to the owner of an account that somebody has tried to register with their address. It repeats nothing that was typed. */
export function registrationNoticeMail(
  { createdAt }: Registration,
  { email, locale, username }: User,
  requestUrl: string,
): UnsignedMail<RegistrationNoticeValues> {
  const values = { username: displayName(username), requestedAt: toMinute(createdAt), requestUrl };
  return { to: email, locale, template: REGISTRATION_NOTICE, values };
}
