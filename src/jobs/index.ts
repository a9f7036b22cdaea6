export { Housekeeping, type HousekeepingTask } from './housekeeping';
export {
  JobQueue,
  RetryLaterError,
  type EnqueueOptions,
  type Job,
  type JobHandler,
  type JobTriage,
  type QueueDefinition,
} from './job-queue';
export { JobsModule } from './jobs.module';
export { JobsOptions } from './jobs.options';
export { PROMPT_RETRIES, retryDelay } from './retry-delay';
export { JOB_STATES, QueuedJobs, type JobState, type QueuedJob } from './queued-jobs';
