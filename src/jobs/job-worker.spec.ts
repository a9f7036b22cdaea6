import { Logger } from '@nestjs/common';
import { JobLeases, LeasedJob } from './job-leases';
import { Job, JobHandler, JobTriage, RetryLaterError } from './job-queue';
import { JobWorker } from './job-worker';
import { JobsOptions } from './jobs.options';
import { PROMPT_RETRIES } from './retry-delay';

const queue = { name: 'mails', ...PROMPT_RETRIES, concurrency: 2 };
const job: LeasedJob<object> = { id: 'some id', tries: 0, claim: 1, requestId: 'some request', data: {} };

/** A worker whose queue holds one job, or some batches of them. */
function workerOf(
  leases: Partial<JobLeases<object>>,
  handler: JobHandler<object>,
  triage?: JobTriage<object>,
  batches = [[job]],
) {
  const take = jest.fn().mockResolvedValue([]);
  for (const batch of batches) take.mockResolvedValueOnce(batch);
  const all = { take, reclaimExpired: () => Promise.resolve([]), renew: () => Promise.resolve(), ...leases };
  const options = new JobsOptions();
  return new JobWorker(all as unknown as JobLeases<object>, queue, handler, undefined, options, triage);
}

/** Lets a few turns of the event loop pass. */
async function settle() {
  for (let turns = 0; turns < 20; turns++) await jest.advanceTimersByTimeAsync(1);
}

describe('a worker', () => {
  beforeEach(() => {
    Logger.overrideLogger(false);
    jest.useFakeTimers();
  });
  afterEach(() => jest.useRealTimers());

  it('notes that a job is done when the database is back after ten minutes, and does not do it again', async () => {
    let isAway = true;
    const reach = () => (isAway ? Promise.reject(new Error('away')) : Promise.resolve());
    const [complete, renew] = [jest.fn(reach), jest.fn(reach)];
    const handler = jest.fn(() => Promise.resolve());
    const worker = workerOf({ complete, renew }, handler);
    worker.start();
    await jest.advanceTimersByTimeAsync(600_000);
    isAway = false;
    await jest.advanceTimersByTimeAsync(1_000);
    await complete.mock.results.at(-1)!.value;
    const calls = () => [complete, renew].map(({ mock }) => mock.calls.length);
    const [completions, renewals] = calls();
    await jest.advanceTimersByTimeAsync(60_000);
    expect(handler).toHaveBeenCalledTimes(1);
    // Held until that was noted, and no longer.
    expect(calls()).toEqual([completions, renewals]);
    expect(renewals).toBeGreaterThanOrEqual(120);
    await worker.stop();
  });

  it('waits as long as a job says, where that is longer than its queue would', async () => {
    const retryLater = jest.fn().mockResolvedValue(false);
    const worker = workerOf({ retryLater }, () => Promise.reject(new RetryLaterError('next hour', 1234)));
    worker.start();
    await settle();
    expect(retryLater.mock.calls).toEqual([[job, 1234, 'RetryLaterError']]);
    await worker.stop();
  });

  describe('with a triage', () => {
    const jobs = (count: number) => Array.from({ length: count }, (_, n) => ({ ...job, id: `job ${n}` }));
    const never = () => new Promise<void>(() => undefined);

    it('completes what was settled in one statement, and handles the rest with the data that was triaged', async () => {
      const batch = jobs(10).map((one) => ({ ...one, data: {} }));
      const triaged: (string | undefined)[] = [];
      const handled: object[] = [];
      const complete = jest.fn().mockResolvedValue(undefined);
      const handler = ({ data }: { data: object }) => Promise.resolve(void handled.push(data));
      const triage: JobTriage<object> = (all) => {
        triaged.push(...all.map(({ requestId }) => requestId));
        return Promise.resolve(all.slice(8));
      };
      const worker = workerOf({ complete }, handler, triage, [batch]);
      worker.start();
      await settle();
      expect(triaged).toEqual(batch.map(({ requestId }) => requestId));
      expect(complete.mock.calls).toEqual([[batch.slice(0, 8)], [batch.slice(8)]]);
      expect(handled).toEqual([batch[8]!.data, batch[9]!.data]);
      expect(handled[0]).toBe(batch[8]!.data);
      await worker.stop();
    });

    it('handles each job by itself where the triage fails', async () => {
      const handler = jest.fn().mockResolvedValue(undefined);
      const complete = jest.fn().mockResolvedValue(undefined);
      const worker = workerOf({ complete }, handler, () => Promise.reject(new Error('no')), [jobs(3)]);
      worker.start();
      await settle();
      expect(handler).toHaveBeenCalledTimes(3);
      await worker.stop();
    });

    it('goes on while slow jobs take all turns, up to a batch of jobs that wait, and frees those at its end', async () => {
      const triage = jest.fn((all: readonly Job<object>[]) => Promise.resolve([...all]));
      const renew = jest.fn().mockResolvedValue(undefined);
      const release = jest.fn().mockResolvedValue(undefined);
      const worker = workerOf({ renew, release }, never, triage, [jobs(3), jobs(300), jobs(5)]);
      worker.start();
      await jest.advanceTimersByTimeAsync(10_000);
      expect(triage.mock.calls.map(([all]) => all.length)).toEqual([3, 300]);
      // Two are under way: see the concurrency of the queue.
      expect(renew.mock.lastCall![0]).toHaveLength(303);
      const stopped = worker.stop();
      await jest.advanceTimersByTimeAsync(60_000);
      await stopped;
      expect(release.mock.calls.map(([all]: [object[]]) => all.length)).toEqual([301, 2]);
    });
  });
});
