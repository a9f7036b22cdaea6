import { randomUUID } from 'node:crypto';
import { Clock, secondsAfter } from '../../src/common';
import { EnqueueOptions, Job, JobHandler, JobQueue, QueueDefinition, retryDelay } from '../../src/jobs';
import { InMemoryTransactions } from '../../src/testing';

interface ScheduledJob {
  queue: QueueDefinition;
  job: Job<object>;
  addedAt: Date;
  dueAt: Date;
  failures: number;
}

/** Jobs that are tried when a movable clock says so, with the gaps of their queue and its end. */
export class ScheduledJobs extends JobQueue {
  private readonly handlers = new Map<string, JobHandler<never>>();
  private readonly givenUpHandlers = new Map<string, JobHandler<never>>();
  private readonly uniqueKeys = new Set<string>();
  private waiting: ScheduledJob[] = [];

  constructor(
    private readonly transactions: InMemoryTransactions,
    private readonly clock: Clock,
  ) {
    super();
  }

  enqueue<Data extends object>(
    queue: QueueDefinition<Data>,
    data: Data,
    { uniqueKey }: EnqueueOptions = {},
  ): Promise<boolean> {
    const key = `${queue.name} ${uniqueKey}`;
    if (uniqueKey && this.uniqueKeys.has(key)) return Promise.resolve(false);
    const [addedAt, job] = [this.clock.now(), { id: randomUUID(), data }];
    this.transactions.afterCommit(() => {
      if (uniqueKey) this.uniqueKeys.add(key);
      this.waiting.push({ queue, job, addedAt, dueAt: addedAt, failures: 0 });
    });
    return Promise.resolve(true);
  }

  work<Data extends object>(
    queue: QueueDefinition<Data>,
    handler: JobHandler<Data>,
    onGivenUp?: JobHandler<Data>,
  ): void {
    this.handlers.set(queue.name, handler);
    if (onGivenUp) this.givenUpHandlers.set(queue.name, onGivenUp);
  }

  /** When the next job is due; `undefined` where none waits. */
  get nextDue(): Date | undefined {
    return this.waiting.map(({ dueAt }) => dueAt).sort((a, b) => a.getTime() - b.getTime())[0];
  }

  /** Tries what is due by now, and what that adds. */
  async runDue(): Promise<void> {
    for (;;) {
      const due = this.waiting.filter(({ dueAt }) => dueAt <= this.clock.now());
      if (due.length === 0) return;
      this.waiting = this.waiting.filter((job) => !due.includes(job));
      for (const job of due) await this.try(job);
    }
  }

  forgetAll(): void {
    this.waiting = [];
    this.uniqueKeys.clear();
  }

  private async try(scheduled: ScheduledJob): Promise<void> {
    const { queue, job, addedAt, failures } = scheduled;
    try {
      await (this.handlers.get(queue.name) as JobHandler<object>)(job);
    } catch (error) {
      const now = this.clock.now();
      if (secondsAfter(addedAt, queue.giveUpAfterSeconds) <= now)
        return (this.givenUpHandlers.get(queue.name) as JobHandler<object> | undefined)?.(job);
      const dueAt = secondsAfter(now, retryDelay(queue, failures, error));
      this.waiting.push({ ...scheduled, failures: failures + 1, dueAt });
    }
  }
}
