import { RequestSource, toMinute } from '../common';
import { displayName, MailTemplate, UnsignedMail } from '../mail';
import type { User } from '../users';
import type { AccountOptions } from './account.options';
import type { CancelEmailLink } from './cancel-email.link';
import type { ConfirmEmailLink } from './confirm-email.link';
import type { EmailChange } from './email-change-store';

interface Happening {
  username: string;
  /** When, for people. */
  changedAt: string;
  /** From which address of the network; unknown of what happens by itself. */
  source: string | undefined;
}

export const CONFIRM_EMAIL: MailTemplate<{ confirmUrl: string; hours: number }> = {
  name: 'confirm-email',
  subject: 'mail.confirmEmail.subject',
  toTypedAddress: true,
};

const EMAIL_CHANGE_STARTED: MailTemplate<Happening & { email: string; cancelUrl: string; days: number }> = {
  name: 'email-change-started',
  subject: 'mail.emailChangeStarted.subject',
};

const EMAIL_CHANGE_HELD: MailTemplate<Happening & { email: string; effectiveAt: string; cancelUrl: string }> =
  {
    name: 'email-change-held',
    subject: 'mail.emailChangeHeld.subject',
  };

const EMAIL_CHANGE_NOTICE: MailTemplate<{ username: string; requestUrl: string }> = {
  name: 'email-change-notice',
  subject: 'mail.emailChangeNotice.subject',
  toTypedAddress: true,
};

const EMAIL_CHANGED: MailTemplate<Happening & { email: string; requestUrl?: string; hours: number }> = {
  name: 'email-changed',
  subject: 'mail.emailChanged.subject',
};

/**
 * The link that confirms, for the new address. Nobody has proven that it is the account holder's, so the mail does not have
 * their name, and its language is the server's.
 */
export function confirmEmailMail({ id, email }: EmailChange, kind: ConfirmEmailLink) {
  return {
    to: email,
    locale: null,
    template: CONFIRM_EMAIL,
    values: { hours: whole(kind.ttlSeconds / 3600) },
    links: { confirmUrl: { kind, id } },
  };
}

/** To the old address: what was requested, and how to stop it. */
export function emailChangeStartedMail(
  user: User,
  change: EmailChange,
  source: RequestSource,
  kind: CancelEmailLink,
) {
  return {
    ...addressed(user),
    template: EMAIL_CHANGE_STARTED,
    values: {
      ...happening(user, change.createdAt, source),
      email: shownAddress(change),
      days: whole(kind.ttlSeconds / 86_400),
    },
    links: { cancelUrl: { kind, id: change.id } },
  };
}

/** To the old address: that the new one has confirmed, when the change takes effect, and how to stop it until then. */
export function emailChangeHeldMail(
  user: User,
  change: EmailChange,
  { at, effectiveAt, source }: { at: Date; effectiveAt: Date; source: RequestSource },
  kind: CancelEmailLink,
) {
  return {
    ...addressed(user),
    template: EMAIL_CHANGE_HELD,
    values: {
      ...happening(user, at, source),
      email: shownAddress(change),
      effectiveAt: toMinute(effectiveAt),
    },
    links: { cancelUrl: { kind, id: change.id } },
  };
}

/** To the owner of an address: that somebody requested it for another account. */
export function emailChangeNoticeMail(owner: User, requestUrl: string) {
  const values = { username: displayName(owner.username), requestUrl };
  return { ...addressed(owner), template: EMAIL_CHANGE_NOTICE, values } satisfies UnsignedMail;
}

/**
 * Says that a change is done.
 * @param user as before the change
 * @param to the old address, which learns how to take the account back, or the new one
 */
export function emailChangedMail(
  user: User,
  to: string,
  change: EmailChange,
  at: Date,
  source: RequestSource | undefined,
  { requestUrl, holdSeconds }: AccountOptions,
) {
  const values = {
    ...happening(user, at, source),
    email: shownAddress(change),
    // Told in whole hours: less than one is not promised.
    ...(to === user.email && holdSeconds >= 3600 && { requestUrl }),
    hours: whole(holdSeconds / 3600),
  };
  return { ...addressed({ ...user, email: to }), template: EMAIL_CHANGED, values } satisfies UnsignedMail;
}

/** To the address that an account has lost: that the former one has taken the account back. */
export function emailChangeUndoneMail(owner: User, lost: string, at: Date, source: RequestSource) {
  const values = { ...happening(owner, at, source), email: owner.email, hours: 0 };
  return { ...addressed({ ...owner, email: lost }), template: EMAIL_CHANGED, values } satisfies UnsignedMail;
}

function addressed({ email, locale }: Pick<User, 'email' | 'locale'>) {
  return { to: email, locale };
}

function happening({ username }: User, at: Date, source: RequestSource | undefined): Happening {
  return { username: displayName(username), changedAt: toMinute(at), source: source?.ip };
}

/** A new address as people should see it: the domain as A-labels, so that no letter of it can pass for another. */
export function shownAddress({ email, emailKey }: EmailChange): string {
  return email.slice(0, email.lastIndexOf('@')) + emailKey.slice(emailKey.lastIndexOf('@'));
}

function whole(amount: number): number {
  return Math.max(1, Math.floor(amount));
}
