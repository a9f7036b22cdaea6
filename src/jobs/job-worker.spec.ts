import { JobLeases, LeasedJob } from './job-leases';
import { RetryLaterError } from './job-queue';
import { JobWorker } from './job-worker';
import { JobsOptions } from './jobs.options';
import { PROMPT_RETRIES } from './retry-delay';

const queue = { name: 'mails', ...PROMPT_RETRIES, concurrency: 2 };
const job: LeasedJob<object> = { id: 'some id', claim: 0, requestId: 'some request', data: {} };

/** A worker whose database holds one job. */
function workerOf(leases: Partial<JobLeases<object>>, handler: () => Promise<void>) {
  const take = jest.fn().mockResolvedValueOnce([job]).mockResolvedValue([]);
  const all = { take, takeBack: () => Promise.resolve([]), renew: jest.fn(), release: jest.fn(), ...leases };
  const options = Object.assign(new JobsOptions(), { stopGraceSeconds: 0 });
  return new JobWorker(all as unknown as JobLeases<object>, queue, handler, undefined, options);
}

describe('a worker', () => {
  beforeEach(() => jest.useFakeTimers({ doNotFake: ['setImmediate', 'performance'] }));
  afterEach(() => jest.useRealTimers());

  it('notes that a job is done when the database is back after ten minutes, and does not do it again', async () => {
    let isAway = true;
    const complete = jest.fn(() => (isAway ? Promise.reject(new Error('away')) : Promise.resolve()));
    const renew = jest.fn(() => (isAway ? Promise.reject(new Error('away')) : Promise.resolve()));
    const handler = jest.fn(() => Promise.resolve());
    const worker = workerOf({ complete, renew }, handler);
    worker.start();
    await jest.advanceTimersByTimeAsync(600_000);
    isAway = false;
    await jest.advanceTimersByTimeAsync(6_000);
    await expect(complete.mock.results.at(-1)!.value).resolves.toBeUndefined();
    const completions = complete.mock.calls.length;
    const renewals = renew.mock.calls.length;
    await jest.advanceTimersByTimeAsync(60_000);
    expect(handler).toHaveBeenCalledTimes(1);
    // It is held until that is noted, and no longer.
    expect([complete.mock.calls.length, renew.mock.calls.length]).toEqual([completions, renewals]);
    expect(renewals).toBeGreaterThan(100);
    await worker.stop();
  });

  it('waits as long as a job says, where that is longer than its queue would', async () => {
    const putOff = jest.fn().mockResolvedValue(false);
    const handler = () => Promise.reject(new RetryLaterError('in the next hour', 1234));
    const worker = workerOf({ putOff }, handler);
    worker.start();
    await jest.advanceTimersByTimeAsync(1);
    expect(putOff.mock.calls).toEqual([[job, 1234, 'RetryLaterError']]);
    await worker.stop();
  });
});
