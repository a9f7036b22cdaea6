import { secondsAfter } from '../common';

const SECONDS_AN_HOUR = 3600;

/** How many mails one recipient gets; 0 turns either off. */
export interface MailPace {
  /** Seconds between two mails. */
  cooldownSeconds: number;
  mailsPerHour: number;
}

/**
 * Whether one more mail is too many for its recipient.
 * @param mailsSince when mails went to the recipient after a moment, latest first
 * @returns why it is; `undefined` where it is not
 */
export async function paceRefusal(
  mailsSince: (since: Date) => Promise<Date[]>,
  now: Date,
  { cooldownSeconds, mailsPerHour }: MailPace,
): Promise<'hourly_cap' | 'cooldown' | undefined> {
  // Either may be the longer one.
  const mails = await mailsSince(secondsAfter(now, -Math.max(SECONDS_AN_HOUR, cooldownSeconds)));
  const inTheHour = mails.filter((at) => at > secondsAfter(now, -SECONDS_AN_HOUR)).length;
  if (mailsPerHour > 0 && inTheHour >= mailsPerHour) return 'hourly_cap';
  return mails[0] && mails[0] > secondsAfter(now, -cooldownSeconds) ? 'cooldown' : undefined;
}
