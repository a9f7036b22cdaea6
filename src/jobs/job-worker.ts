import { Logger } from '@nestjs/common';
import { setTimeout as delay } from 'node:timers/promises';
import { describeError, errorCode, withRequestId } from '../common';
import type { JobLeases, LeasedJob } from './job-leases';
import type { JobHandler, QueueDefinition } from './job-queue';
import type { JobsOptions } from './jobs.options';
import { retryDelay } from './retry-delay';

/** How long a dead worker's job lies beyond its lease at most, and how often leases are prolonged. */
const CARE_FOR_LEASES_EVERY_MS = 5_000;
const RETRY_COMPLETION_MS = 1_000;

/**
 * Takes jobs of one queue and handles them, several at a time, each on its own: a slow or failing job never holds up
 * another. (pg-boss' own `work` handles jobs in batches that succeed or fail as one, and leaves the promise of
 * "complete" unhandled, so that a lost database would end the process.)
 */
export class JobWorker<Data extends object> {
  private readonly logger = new Logger('Jobs');
  private readonly running = new Map<LeasedJob<Data>, Promise<void>>();
  private wakeUp = new AbortController();
  private nudged = false;
  private stopping = false;
  private reachable = true;
  private loop: Promise<void> = Promise.resolve();
  private timer?: NodeJS.Timeout;

  constructor(
    private readonly leases: JobLeases<Data>,
    private readonly queue: QueueDefinition<Data>,
    private readonly handler: JobHandler<Data>,
    private readonly onGivenUp: JobHandler<Data> | undefined,
    private readonly options: JobsOptions,
  ) {}

  start(): void {
    this.loop = this.run();
    this.timer = setInterval(() => void this.careForLeases(), CARE_FOR_LEASES_EVERY_MS).unref();
  }

  /** Looks for jobs now instead of at the next turn. */
  nudge(): void {
    this.nudged = true;
    this.wakeUp.abort();
  }

  /** Takes no more jobs, and waits for the ones under way; those that take too long are left to other workers. */
  async stop(): Promise<void> {
    this.stopping = true;
    this.nudge();
    await this.loop;
    const patience = new AbortController();
    const graceMs = this.options.stopGraceSeconds * 1000;
    await Promise.race([
      Promise.all(this.running.values()),
      delay(graceMs, undefined, { signal: patience.signal }).catch(() => undefined),
    ]);
    patience.abort();
    clearInterval(this.timer);
    if (this.running.size === 0) return;
    this.logger.warn(`${this.queue.name}: ${this.running.size} jobs are not done and go to other workers`);
    await this.leases.release([...this.running.keys()]).catch(() => undefined);
  }

  private async run(): Promise<void> {
    while (!this.stopping) {
      this.nudged = false;
      const taken = await this.takeJobs();
      if (taken === 0) await this.sleep();
    }
  }

  private async takeJobs(): Promise<number> {
    const free = this.queue.concurrency - this.running.size;
    if (free === 0) return 0;
    const jobs = await this.reach(() => this.leases.take(free));
    for (const job of jobs ?? []) this.handle(job);
    return jobs?.length ?? 0;
  }

  private handle(job: LeasedJob<Data>): void {
    const done = withRequestId(job.requestId, () => this.settle(job)).finally(() => {
      this.running.delete(job);
      this.nudge();
    });
    this.running.set(job, done);
  }

  private async settle(job: LeasedJob<Data>): Promise<void> {
    const { id, data, claim } = job;
    try {
      await this.handler({ id, data });
    } catch (error) {
      this.logger.warn(
        `${job.requestId}: ${this.queue.name} ${id}: try ${claim + 1} failed: ${describeError(error)}`,
      );
      return this.putOff(job, error);
    }
    await this.complete(job);
  }

  /** What has been done must not be done again because the database is away, for however long. */
  private async complete(job: LeasedJob<Data>): Promise<void> {
    for (;;) {
      const done = await this.reach(() => this.leases.complete(job).then(() => true));
      if (done || this.stopping) return;
      await delay(RETRY_COMPLETION_MS);
    }
  }

  /** Where even this fails, the lease runs out and the job is free again. */
  private async putOff(job: LeasedJob<Data>, error: unknown): Promise<void> {
    const seconds = retryDelay(this.queue, job.claim, error);
    const givenUp = await this.reach(() => this.leases.putOff(job, seconds, errorCode(error)));
    if (givenUp) await this.tellGivenUp(job);
  }

  private async careForLeases(): Promise<void> {
    const held = [...this.running.keys()];
    if (held.length > 0) await this.reach(() => this.leases.renew(held));
    const lost = await this.reach(() => this.leases.takeBack());
    for (const job of lost ?? []) {
      this.logger.warn(`${job.requestId}: ${this.queue.name} ${job.id}: its worker has died`);
      if (job.givenUp) await withRequestId(job.requestId, () => this.tellGivenUp(job));
    }
    if (lost && lost.length > 0) this.nudge();
  }

  private async tellGivenUp({ id, data, requestId }: Omit<LeasedJob<Data>, 'claim'>): Promise<void> {
    this.logger.error(`${requestId}: ${this.queue.name} ${id} is given up`);
    try {
      await this.onGivenUp?.({ id, data });
    } catch (error) {
      this.logger.warn(`${requestId}: nobody could be told: ${describeError(error)}`);
    }
  }

  /** @returns `undefined` while the database is away; that is told once, not at every try */
  private async reach<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      const result = await work();
      if (!this.reachable) this.logger.log(`${this.queue.name}: the queue can be reached again`);
      this.reachable = true;
      return result;
    } catch (error) {
      if (this.reachable)
        this.logger.warn(`${this.queue.name}: the queue cannot be reached: ${describeError(error)}`);
      this.reachable = false;
      return undefined;
    }
  }

  private async sleep(): Promise<void> {
    if (this.nudged || this.stopping) return;
    this.wakeUp = new AbortController();
    await delay(this.options.pollingSeconds * 1000, undefined, { signal: this.wakeUp.signal }).catch(
      () => undefined,
    );
  }
}
