import { Logger } from '@nestjs/common';
import { JobLeases, LeasedJob } from './job-leases';
import { RetryLaterError } from './job-queue';
import { JobWorker } from './job-worker';
import { JobsOptions } from './jobs.options';
import { PROMPT_RETRIES } from './retry-delay';

// Jest moves the global timers only.
jest.mock('node:timers/promises', () => ({
  setTimeout: (ms: number, value?: unknown, { signal }: { signal?: AbortSignal } = {}) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(resolve, ms, value);
      signal?.addEventListener('abort', () => {
        clearTimeout(timer);
        reject(new Error('aborted'));
      });
    }),
}));

const queue = { name: 'mails', ...PROMPT_RETRIES, concurrency: 2 };
const job: LeasedJob<object> = { id: 'some id', claim: 0, requestId: 'some request', data: {} };

/** A worker whose queue holds one job. */
function workerOf(leases: Partial<JobLeases<object>>, handler: () => Promise<void>) {
  const take = jest.fn().mockResolvedValueOnce([job]).mockResolvedValue([]);
  const all = { take, takeBack: () => Promise.resolve([]), renew: () => Promise.resolve(), ...leases };
  return new JobWorker(all as unknown as JobLeases<object>, queue, handler, undefined, new JobsOptions());
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
    const putOff = jest.fn().mockResolvedValue(false);
    const worker = workerOf({ putOff }, () => Promise.reject(new RetryLaterError('next hour', 1234)));
    worker.start();
    await jest.advanceTimersByTimeAsync(1);
    expect(putOff.mock.calls).toEqual([[job, 1234, 'RetryLaterError']]);
    await worker.stop();
  });
});
