import { QueueDefinition, RetryLaterError } from './job-queue';

const GROWTH = 3;
/** Of a gap, and in seconds: enough to spread jobs, and not so much that short gaps vanish or long ones need another try. */
const JITTER = 0.25;
const LONGEST_JITTER_SECONDS = 3;

/**
 * For what somebody waits for: at once, after 10 and 30 seconds, then every 57 at most; after an hour nobody waits any more.
 * A mail that is put off for its first five minutes (greylisting) goes out at the eighth try.
 */
export const PROMPT_RETRIES = {
  retryDelaySeconds: 10,
  maxRetryDelaySeconds: 57,
  giveUpAfterSeconds: 3600,
  leaseSeconds: 30,
};

type Schedule = Pick<QueueDefinition, 'retryDelaySeconds' | 'maxRetryDelaySeconds'>;

/**
 * Seconds until a job that has failed is tried again. The gap grows, and is up to three seconds shorter by chance, so that
 * jobs which failed together do not come back together.
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
