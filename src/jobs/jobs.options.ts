/** How this process takes part in the background work. */
export class JobsOptions {
  /** Whether this process handles jobs; `false` for one that only adds them. */
  work = true;
  /** Seconds between two looks for jobs that other processes added. Jobs of this process are taken at once. */
  pollingSeconds = 1;
  /** Seconds that jobs under way have to be done in at a stop; what is not done then goes to other workers. */
  stopGraceSeconds = 20;
}
