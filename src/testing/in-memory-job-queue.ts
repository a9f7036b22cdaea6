import { Injectable, Logger } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { currentRequestId, describeError, withRequestId } from '../common';
import { EnqueueOptions, Job, JobHandler, JobQueue, QueueDefinition, retryDelay } from '../jobs';
import { InMemoryTable, InMemoryTransactions } from './in-memory-transactions';

/** Jobs of this process only, run at once and tried again at once. Nothing survives a restart: for tests. */
@Injectable()
export class InMemoryJobQueue extends JobQueue {
  private readonly logger = new Logger('Jobs');
  private readonly handlers = new Map<string, JobHandler<never>>();
  private readonly givenUpHandlers = new Map<string, JobHandler<never>>();
  private readonly uniqueKeys: InMemoryTable<{ id: string }>;
  private readonly running = new Set<Promise<void>>();

  constructor(private readonly transactions: InMemoryTransactions) {
    super();
    this.uniqueKeys = new InMemoryTable(transactions);
  }

  enqueue<Data extends object>(
    queue: QueueDefinition<Data>,
    data: Data,
    { uniqueKey }: EnqueueOptions = {},
  ): Promise<boolean> {
    if (uniqueKey && this.isTaken(`${queue.name} ${uniqueKey}`)) return Promise.resolve(false);
    const job = { id: randomUUID(), data: structuredClone(data) };
    const requestId = currentRequestId();
    this.transactions.afterCommit(() => withRequestId(requestId, () => this.start(queue, job)));
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

  /** Fulfilled when no job waits or runs, so that a test need not guess how long to wait for a mail. */
  async idle(): Promise<void> {
    while (this.running.size > 0) await Promise.all(this.running);
  }

  private isTaken(id: string): boolean {
    const taken = this.uniqueKeys.get(id) !== undefined;
    if (!taken) this.uniqueKeys.put({ id });
    return taken;
  }

  private start<Data extends object>(queue: QueueDefinition<Data>, job: Job<Data>): void {
    const done = this.tryOften(queue, job).finally(() => this.running.delete(done));
    this.running.add(done);
  }

  private async tryOften<Data extends object>(queue: QueueDefinition<Data>, job: Job<Data>): Promise<void> {
    await nextTurn();
    const handler = this.handlers.get(queue.name) as JobHandler<Data> | undefined;
    if (!handler) return;
    // As often as the schedule has room for, without its gaps.
    for (let [failures, seconds] = [0, 0]; seconds <= queue.giveUpAfterSeconds; failures++) {
      try {
        return await handler(job);
      } catch (error) {
        this.logger.warn(`${queue.name} ${job.id}: try ${failures + 1} failed: ${describeError(error)}`);
        seconds += retryDelay(queue, failures, error);
      }
    }
    await (this.givenUpHandlers.get(queue.name) as JobHandler<Data> | undefined)?.(job);
  }
}
