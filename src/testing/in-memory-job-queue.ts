import { Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { currentRequestId, withRequestId } from '../common';
import { EnqueueOptions, Job, JobHandler, JobQueue, QueueDefinition } from '../jobs';
import { InMemoryTransactions } from './in-memory-transactions';

/** Jobs of this process only, run at once and tried again at once. Nothing survives a restart: for tests. */
@Injectable()
export class InMemoryJobQueue extends JobQueue {
  private readonly handlers = new Map<string, JobHandler<never>>();
  private readonly uniqueKeys = new Set<string>();
  private readonly running = new Set<Promise<void>>();

  constructor(private readonly transactions: InMemoryTransactions) {
    super();
  }

  enqueue<Data extends object>(
    queue: QueueDefinition<Data>,
    data: Data,
    { uniqueKey }: EnqueueOptions = {},
  ): Promise<void> {
    const key = uniqueKey && `${queue.name} ${uniqueKey}`;
    if (key && this.uniqueKeys.has(key)) return Promise.resolve();
    if (key) this.remember(key);
    const job = { id: randomUUID(), data: structuredClone(data) };
    const requestId = currentRequestId();
    this.transactions.afterCommit(() => withRequestId(requestId, () => this.start(queue, job)));
    return Promise.resolve();
  }

  work<Data extends object>(queue: QueueDefinition<Data>, handler: JobHandler<Data>): void {
    this.handlers.set(queue.name, handler);
  }

  /** Fulfilled when no job waits or runs. */
  async idle(): Promise<void> {
    while (this.running.size > 0) await Promise.all(this.running);
  }

  private remember(key: string): void {
    this.uniqueKeys.add(key);
    this.transactions.onRollback(() => this.uniqueKeys.delete(key));
  }

  private start<Data extends object>(queue: QueueDefinition<Data>, job: Job<Data>): void {
    const done = new Promise<void>((resolve) => setImmediate(resolve))
      .then(() => this.tryOften(queue, job))
      .finally(() => this.running.delete(done));
    this.running.add(done);
  }

  private async tryOften<Data extends object>(queue: QueueDefinition<Data>, job: Job<Data>): Promise<void> {
    const handler = this.handlers.get(queue.name) as JobHandler<Data> | undefined;
    for (let tries = 0; handler && tries <= queue.retryLimit; tries++) {
      const succeeded = await handler(job).then(
        () => true,
        () => false,
      );
      if (succeeded) return;
    }
  }
}
