import { Logger } from '@nestjs/common';
import { setTimeout as delay } from 'node:timers/promises';
import { describeError, errorCode, SharedRounds, withRequestId } from '../common';
import type { JobLeases, LeasedJob } from './job-leases';
import type { JobHandler, JobTriage, QueueDefinition } from './job-queue';
import type { JobsOptions } from './jobs.options';
import { retryDelay } from './retry-delay';

/** How often leases are renewed and expired ones reclaimed. */
const MAINTAIN_LEASES_EVERY_MS = 5_000;
const RETRY_COMPLETION_MS = 1_000;
/** Jobs that one triage gets; about the most that wait in this process for their turn. */
const BATCH = 250;
/** Jobs that become due within this time are fetched together. */
const COLLECT_MS = 10;

/**
 * Takes jobs of one queue and handles them, several at a time, each on its own: a slow or failing job never holds up
 * another. First tries are fetched, triaged and leased ahead of their turn; jobs that have failed before only for turns that
 * are free.
 */
export class JobWorker<Data extends object> {
  private readonly logger = new Logger('Jobs');
  /** Whose leases are renewed: those that wait, those under way, and those whose end is not stored yet. */
  private readonly held = new Set<LeasedJob<Data>>();
  private readonly running = new Set<Promise<void>>();
  private firstTries: LeasedJob<Data>[] = [];
  private retries: LeasedJob<Data>[] = [];
  private readonly completing = new SharedRounds((groups: readonly (readonly LeasedJob<Data>[])[]) =>
    this.leases.complete(groups.flat()).then(() => groups),
  );
  private readonly ahead: number;
  private wakeUp: () => void = () => undefined;
  private alarm?: NodeJS.Timeout;
  private nudged = false;
  private starting = false;
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
    private readonly triage?: JobTriage<Data>,
  ) {
    this.ahead = triage ? BATCH : queue.concurrency;
  }

  start(): void {
    this.loop = this.run();
    this.timer = setInterval(() => void this.maintainLeases(), MAINTAIN_LEASES_EVERY_MS).unref();
  }

  /** Fetches jobs now instead of at the next poll. */
  nudge(): void {
    if (this.nudged) return;
    this.nudged = true;
    clearTimeout(this.alarm);
    this.alarm = setTimeout(() => this.wakeUp(), COLLECT_MS);
  }

  /** Takes no more jobs and waits for the running ones; those that take too long are released to other workers. */
  async stop(): Promise<void> {
    this.stopping = true;
    this.wakeUp();
    const patience = new AbortController();
    const graceMs = this.options.stopGraceSeconds * 1000;
    await Promise.race([
      this.finish(),
      delay(graceMs, undefined, { signal: patience.signal }).catch(() => undefined),
    ]);
    patience.abort();
    clearInterval(this.timer);
    if (this.held.size === 0) return;
    this.logger.warn(`${this.queue.name}: ${this.held.size} jobs are not done and go to other workers`);
    await this.release([...this.held]);
  }

  private async finish(): Promise<void> {
    await this.loop;
    await this.release([...this.firstTries.splice(0), ...this.retries.splice(0)]);
    await Promise.all(this.running);
  }

  private async release(jobs: LeasedJob<Data>[]): Promise<void> {
    if (jobs.length > 0) await this.leases.release(jobs).catch(() => undefined);
    for (const job of jobs) this.held.delete(job);
  }

  private async run(): Promise<void> {
    while (!this.stopping) {
      this.nudged = false;
      const mayBeMore = await this.takeJobs();
      if (!mayBeMore) await this.sleep();
    }
  }

  /** First tries also while all turns are taken: what a triage settles must not wait behind a slow mail server. */
  private async takeJobs(): Promise<boolean> {
    const waiting = this.firstTries.length + this.retries.length;
    const free = Math.max(0, this.queue.concurrency - this.running.size - waiting);
    const ahead = this.firstTries.length < this.ahead ? this.ahead : 0;
    if (ahead + free === 0) return false;
    const jobs = (await this.reach(() => this.leases.take(ahead, free))) ?? [];
    for (const job of jobs) this.held.add(job);
    const firstTries = jobs.filter(({ tries }) => tries === 0);
    this.retries.push(...jobs.filter(({ tries }) => tries > 0));
    this.firstTries.push(...(await this.triageAll(firstTries)));
    this.startNext();
    return ahead > 0 && firstTries.length === ahead;
  }

  /** @returns the jobs that are left; all of them where the triage fails, each to be handled by itself */
  private async triageAll(jobs: LeasedJob<Data>[]): Promise<LeasedJob<Data>[]> {
    if (!this.triage || jobs.length === 0) return jobs;
    try {
      const left = new Set((await this.triage(jobs)).map(({ id }) => id));
      const settled = jobs.filter(({ id }) => !left.has(id));
      if (settled.length > 0) await this.complete(settled);
      return jobs.filter(({ id }) => left.has(id));
    } catch (error) {
      this.logger.warn(`${this.queue.name}: a batch is handled job by job: ${describeError(error)}`);
      return jobs;
    }
  }

  /** One in each turn of the event loop: in a process that answers requests too, these come in between. */
  private startNext(): void {
    if (this.starting) return;
    this.starting = true;
    setImmediate(() => {
      this.starting = false;
      if (this.stopping || this.running.size >= this.queue.concurrency) return;
      const job = this.firstTries.shift() ?? this.retries.shift();
      if (!job) return;
      this.handle(job);
      this.startNext();
    });
  }

  private handle(job: LeasedJob<Data>): void {
    const done = withRequestId(job.requestId, () => this.settle(job)).finally(() => {
      this.running.delete(done);
      this.startNext();
      this.nudge();
    });
    this.running.add(done);
  }

  private async settle(job: LeasedJob<Data>): Promise<void> {
    const { id, data, tries } = job;
    try {
      await this.handler({ id, data });
    } catch (error) {
      this.logger.warn(
        `${job.requestId}: ${this.queue.name} ${id}: try ${tries + 1} failed: ${describeError(error)}`,
      );
      return this.retryLater(job, error);
    }
    await this.complete([job]);
  }

  /** What is done must not be repeated because of an outage of the database, however long it is. */
  private async complete(jobs: readonly LeasedJob<Data>[]): Promise<void> {
    for (;;) {
      const done = await this.reach(() => this.completing.do(jobs));
      if (done || this.stopping) break;
      await delay(RETRY_COMPLETION_MS);
    }
    for (const job of jobs) this.held.delete(job);
  }

  /** If even this fails, the lease expires and the job is free again. */
  private async retryLater(job: LeasedJob<Data>, error: unknown): Promise<void> {
    const seconds = retryDelay(this.queue, job.tries, error);
    const givenUp = await this.reach(() => this.leases.retryLater(job, seconds, errorCode(error)));
    this.held.delete(job);
    if (givenUp) await this.reportGivenUp(job);
  }

  private async maintainLeases(): Promise<void> {
    const held = [...this.held];
    if (held.length > 0) await this.reach(() => this.leases.renew(held));
    const lost = await this.reach(() => this.leases.reclaimExpired());
    for (const job of lost ?? []) {
      this.logger.warn(`${job.requestId}: ${this.queue.name} ${job.id}: its worker has died`);
      if (job.givenUp) await withRequestId(job.requestId, () => this.reportGivenUp(job));
    }
    if (lost && lost.length > 0) this.nudge();
  }

  private async reportGivenUp({
    id,
    data,
    requestId,
  }: Omit<LeasedJob<Data>, 'claim' | 'tries'>): Promise<void> {
    this.logger.error(`${requestId}: ${this.queue.name} ${id} is given up`);
    try {
      await this.onGivenUp?.({ id, data });
    } catch (error) {
      this.logger.warn(`${requestId}: its listener failed: ${describeError(error)}`);
    }
  }

  /** @returns `undefined` during an outage of the database, which is logged once, not at every try */
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

  /** Until the next poll, or shortly after a nudge. */
  private async sleep(): Promise<void> {
    if (!this.stopping)
      await new Promise<void>((resolve) => {
        this.wakeUp = resolve;
        this.alarm = setTimeout(resolve, this.nudged ? COLLECT_MS : this.options.pollingSeconds * 1000);
      });
    clearTimeout(this.alarm);
  }
}
