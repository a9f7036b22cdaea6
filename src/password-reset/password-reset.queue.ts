import { secondsAfter } from '../common';
import { PROMPT_RETRIES, QueueDefinition } from '../jobs';

/** "Somebody asked for this address." Retried for an hour; after that nobody waits for the mail. */
export const passwordResetQueue: QueueDefinition<{ emailKey: string }> = {
  name: 'password-reset',
  ...PROMPT_RETRIES,
  concurrency: 5,
};

/** A mail server that takes longer to take one mail over has not taken it. */
export const LONGEST_HAND_OVER_SECONDS = 60;

/**
 * The moment that the links of a mail are signed for. It is the same at every try, so that a second copy of one mail is the
 * same bytes. A mail that only an operator brings back, after its queue has given it up, begins anew.
 */
export function linksBegin(createdAt: Date, now: Date): Date {
  return secondsAfter(createdAt, passwordResetQueue.giveUpAfterSeconds) > now ? createdAt : now;
}
