import { Logger } from '@nestjs/common';
import { setTimeout as delay } from 'node:timers/promises';
import type PgBoss from 'pg-boss';
import { describeError, withRequestId } from '../common';
import type { JobHandler, QueueDefinition } from './job-queue';

/** What is stored of a job: its data, and the id of the request that caused it. */
export interface StoredJob<Data> {
  requestId: string;
  data: Data;
}

type TakenJob<Data> = PgBoss.JobWithMetadata<StoredJob<Data>>;

/**
 * Takes jobs of one queue and handles them, several at a time, each on its own: a slow or failing job never holds up
 * another. (pg-boss' own `work` handles jobs in batches that succeed or fail as one, and leaves the promise of
 * "complete" unhandled, so that a lost database would end the process.)
 */
export class JobWorker<Data extends object> {
  private readonly logger = new Logger('Jobs');
  private readonly running = new Set<Promise<void>>();
  private wakeUp = new AbortController();
  private nudged = false;
  private stopping = false;
  private loop: Promise<void> = Promise.resolve();

  constructor(
    private readonly boss: PgBoss,
    private readonly queue: QueueDefinition<Data>,
    private readonly handler: JobHandler<Data>,
    private readonly pollingSeconds: number,
  ) {}

  start(): void {
    this.loop = this.run();
  }

  /** Looks for jobs now instead of at the next turn. */
  nudge(): void {
    this.nudged = true;
    this.wakeUp.abort();
  }

  /** Takes no more jobs; fulfilled when the ones under way are done. */
  async stop(): Promise<void> {
    this.stopping = true;
    this.nudge();
    await this.loop;
    await Promise.all(this.running);
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
    try {
      const jobs = await this.boss.fetch<StoredJob<Data>>(this.queue.name, {
        batchSize: free,
        includeMetadata: true,
      });
      for (const job of jobs) this.handle(job);
      return jobs.length;
    } catch (error) {
      this.logger.warn(`${this.queue.name}: cannot look for jobs: ${describeError(error)}`);
      return 0;
    }
  }

  private handle(job: TakenJob<Data>): void {
    const done = withRequestId(job.data.requestId, () => this.settle(job)).finally(() => {
      this.running.delete(done);
      this.nudge();
    });
    this.running.add(done);
  }

  private async settle({ id, data: { data, requestId }, retryCount }: TakenJob<Data>): Promise<void> {
    const { name } = this.queue;
    try {
      await this.handler({ id, data });
      await this.boss.complete(name, id);
    } catch (error) {
      this.logger.warn(`${requestId}: ${name} ${id}: try ${retryCount + 1} failed: ${describeError(error)}`);
      // Only the kind of the error is stored: a message may quote what must not rest in a table.
      const output = { error: error instanceof Error ? error.name : 'unknown' };
      // Where even this fails, the lease runs out and the job is free again.
      await this.boss.fail(name, id, output).catch(() => undefined);
    }
  }

  private async sleep(): Promise<void> {
    if (this.nudged || this.stopping) return;
    this.wakeUp = new AbortController();
    await delay(this.pollingSeconds * 1000, undefined, { signal: this.wakeUp.signal }).catch(() => undefined);
  }
}
