import { RequestSource, toMinute } from '../common';
import { displayName, MailTemplate, QueuedMail } from '../mail';
import type { User } from '../users';
import type { AccountOptions } from './account.options';
import { CANCEL_PURPOSE, CONFIRM_PURPOSE } from './email-change-links';
import type { EmailChange } from './email-change-store';

interface Happening {
  username: string;
  /** When, for people. */
  changedAt: string;
  /** From which address of the network. */
  source: string;
}

export const CONFIRM_EMAIL: MailTemplate<{ username: string; confirmUrl: string; hours: number }> = {
  name: 'confirm-email',
  subject: 'mail.confirmEmail.subject',
  toTypedAddress: true,
};

const EMAIL_CHANGE_STARTED: MailTemplate<Happening & { email: string; cancelUrl: string; days: number }> = {
  name: 'email-change-started',
  subject: 'mail.emailChangeStarted.subject',
};

const EMAIL_CHANGE_NOTICE: MailTemplate<{ username: string; requestUrl: string }> = {
  name: 'email-change-notice',
  subject: 'mail.emailChangeNotice.subject',
  toTypedAddress: true,
};

const EMAIL_CHANGED: MailTemplate<Happening & { email: string }> = {
  name: 'email-changed',
  subject: 'mail.emailChanged.subject',
};

/** The link that confirms, for the new address. */
export function confirmEmailMail(user: User, change: EmailChange, options: AccountOptions) {
  const { confirmUrl: url, confirmTtlSeconds: ttlSeconds } = options;
  return {
    ...addressed({ ...user, email: change.email }),
    template: CONFIRM_EMAIL,
    values: { username: displayName(user.username), hours: whole(ttlSeconds / 3600) },
    links: { confirmUrl: { url, purpose: CONFIRM_PURPOSE, id: change.id, ttlSeconds } },
  } satisfies QueuedMail<object, never>;
}

/** Tells the old address what was asked for, and how to stop it. */
export function emailChangeStartedMail(
  user: User,
  change: EmailChange,
  source: RequestSource,
  options: AccountOptions,
) {
  const { cancelUrl: url, cancelTtlSeconds: ttlSeconds } = options;
  return {
    ...addressed(user),
    template: EMAIL_CHANGE_STARTED,
    values: {
      ...happening(user, change.createdAt, source),
      email: shown(change),
      days: whole(ttlSeconds / 86_400),
    },
    links: { cancelUrl: { url, purpose: CANCEL_PURPOSE, id: change.id, ttlSeconds } },
  };
}

/** Tells the owner of an address that somebody wanted it for another account. */
export function emailChangeNoticeMail(owner: User, requestUrl: string) {
  const values = { username: displayName(owner.username), requestUrl };
  return { ...addressed(owner), template: EMAIL_CHANGE_NOTICE, values } satisfies QueuedMail;
}

/** Tells of a change that is done. @param to the old address or the new one: both are told */
export function emailChangedMail(
  user: User,
  to: string,
  change: EmailChange,
  at: Date,
  source: RequestSource,
) {
  const values = { ...happening(user, at, source), email: shown(change) };
  return { ...addressed({ ...user, email: to }), template: EMAIL_CHANGED, values } satisfies QueuedMail;
}

function addressed({ email, locale }: Pick<User, 'email' | 'locale'>) {
  return { to: email, locale };
}

function happening({ username }: User, at: Date, source: RequestSource): Happening {
  return { username: displayName(username), changedAt: toMinute(at), source: source.ip };
}

/** An address as people should see it: the domain as A-labels, so that no letter of it can pass for another. */
function shown({ email, emailKey }: EmailChange): string {
  return email.slice(0, email.lastIndexOf('@')) + emailKey.slice(emailKey.lastIndexOf('@'));
}

function whole(amount: number): number {
  return Math.max(1, Math.floor(amount));
}
