import { secondsAfter } from '../common';
import type { PasswordResetOptions } from './password-reset.options';
import type { PasswordReset } from './password-reset-store';

const SECONDS_PER_HOUR = 3600;

type Pace = Pick<PasswordResetOptions, 'cooldownSeconds' | 'mailsPerHour' | 'tokenTtlSeconds'>;

/** @returns from when on the links of an account matter to {@link paceRefusal} */
export function paceBegins(now: Date, { tokenTtlSeconds }: Pace): Date {
  return secondsAfter(now, -Math.max(SECONDS_PER_HOUR, tokenTtlSeconds));
}

/**
 * Whether an account gets no further link now. It spaces mails and never stops them: it refuses only while a link of the
 * account is alive, or its mail is under way, so that strangers who send requests cannot keep the owner without a link
 * (CWE-645).
 * @param open the links of the account that are neither used nor revoked, made since {@link paceBegins}, latest first
 * @returns why it gets none; `undefined` where it gets one
 */
export function paceRefusal(
  open: readonly PasswordReset[],
  now: Date,
  { cooldownSeconds, mailsPerHour }: Pace,
): 'cooldown' | 'link_alive' | undefined {
  // While a mail is tried again and again, each try renews its link: see PasswordResetWorker.
  const isAlive = ({ expiresAt }: PasswordReset) => expiresAt > now;
  const [latest] = open;
  if (latest && latest.createdAt > secondsAfter(now, -cooldownSeconds) && isAlive(latest)) return 'cooldown';
  const counted = open.filter(({ discountedAt }) => !discountedAt);
  const spaced = mailsPerHour > 0 && counted.length >= mailsPerHour;
  return spaced && counted.some(isAlive) ? 'link_alive' : undefined;
}
