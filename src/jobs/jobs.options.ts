import { IsNumberBetween, IsSwitch, IsWholeNumber } from '../common';

/** How this process takes part in background work. */
export class JobsOptions {
  /** Whether this process handles jobs; `false` for one that only adds them. */
  @IsSwitch()
  work = true;
  /**
   * The longest random delay before a job begins, in milliseconds, in a process that also adds jobs; 0 for none. Work right
   * after a request would slow the next requests, and so reveal that there was something to do.
   */
  @IsWholeNumber(0, 10_000)
  startDelayMs = 500;
  /** Seconds between two polls for jobs of other processes. Jobs of this process start at once. */
  @IsNumberBetween(0.01, 3600)
  pollingSeconds = 1;
  /** Seconds that running jobs have at shutdown; then they are released to other workers. */
  @IsWholeNumber(0, 3600)
  stopGraceSeconds = 20;
}
