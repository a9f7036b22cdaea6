import { QueueDefinition, RetryLaterError } from './job-queue';

const GROWTH = 3;
/** Share of a gap, and seconds at most: enough to spread jobs, without removing short gaps. */
const JITTER = 0.25;
const LONGEST_JITTER_SECONDS = 3;

/**
 * For mails that somebody waits for: at once, after 10 and 30 seconds, then at most every 57; given up after an hour. A mail
 * that is deferred for its first five minutes (greylisting) goes out at the eighth try.
 */
export const PROMPT_RETRIES = {
  retryDelaySeconds: 10,
  maxRetryDelaySeconds: 57,
  giveUpAfterSeconds: 3600,
  leaseSeconds: 30,
};

type Schedule = Pick<QueueDefinition, 'retryDelaySeconds' | 'maxRetryDelaySeconds'>;

/**
 * Seconds until a failed job is tried again. The gap grows and is up to three seconds shorter at random, so that jobs that
 * failed together are not retried together.
 * @param failures how often it has failed before this time
 * @param error what it failed with this time
 */
export function retryDelay(
  { retryDelaySeconds, maxRetryDelaySeconds }: Schedule,
  failures: number,
  error?: unknown,
  random: () => number = Math.random,
): number {
  const gap = Math.min(maxRetryDelaySeconds, retryDelaySeconds * GROWTH ** failures);
  const delay = gap - random() * Math.min(LONGEST_JITTER_SECONDS, JITTER * gap);
  return error instanceof RetryLaterError ? Math.max(delay, error.retryAfterSeconds) : delay;
}
