import { randomUUID } from 'node:crypto';
import { currentRequestId, withRequestId } from '../../src/common';
import { Job, JobHandler, JobQueue, JobTriage, QueueDefinition } from '../../src/jobs';

type WaitingJob = Job<object> & { requestId: string };

/** An engine that takes jobs in batches, and only when a test says so. Jobs are in no database. */
export class BatchJobQueue extends JobQueue {
  private readonly waiting = new Map<string, WaitingJob[]>();
  private readonly works = new Map<string, { handler: JobHandler<never>; triage?: unknown }>();

  enqueue<Data extends object>({ name }: QueueDefinition<Data>, data: Data): Promise<boolean> {
    const jobs = this.waiting.get(name) ?? [];
    jobs.push({ id: randomUUID(), data, requestId: currentRequestId() });
    this.waiting.set(name, jobs);
    return Promise.resolve(true);
  }

  work<Data extends object>(
    { name }: QueueDefinition<Data>,
    handler: JobHandler<Data>,
    _onGivenUp?: JobHandler<Data>,
    triage?: JobTriage<Data>,
  ): void {
    this.works.set(name, { handler, triage });
  }

  /** Takes the next batch of a queue through its triage. @returns what is left of it for the handler */
  async triage({ name }: { name: string }, size = 250): Promise<WaitingJob[]> {
    const batch = this.waiting.get(name)?.splice(0, size) ?? [];
    const triage = this.works.get(name)!.triage as JobTriage<object> | undefined;
    return ((await triage?.(batch)) ?? batch) as WaitingJob[];
  }

  /** Handles one job. */
  handle({ name }: { name: string }, { requestId, ...job }: WaitingJob): Promise<void> {
    const handler = this.works.get(name)!.handler as JobHandler<object>;
    return withRequestId(requestId, () => handler(job));
  }

  /** How many jobs of a queue wait. */
  countOf({ name }: { name: string }): number {
    return this.waiting.get(name)?.length ?? 0;
  }
}
