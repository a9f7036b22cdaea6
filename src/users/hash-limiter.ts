import fastq from 'fastq';
import { OverloadedError } from '../common';

/** Weight of the latest hash in the average time that one takes. */
const WEIGHT = 0.2;

/**
 * Limits how many hashes are computed at a time and how many wait. bcrypt computes in libuv's thread pool; without a limit, a
 * flood of sign-ins would occupy every thread, and each answer would come too late for its caller.
 */
export class HashLimiter {
  private readonly queue;
  private secondsPerHash = 0.25;

  /** @param limits read at each hash */
  constructor(private readonly limits: { hashConcurrency: number; hashQueueLimit: number }) {
    this.queue = fastq.promise((work: () => Promise<unknown>) => this.time(work), limits.hashConcurrency);
  }

  /** @throws OverloadedError if too many wait, with the time until those have had their turn */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.queue.length() >= this.limits.hashQueueLimit) {
      const turns = this.queue.length() / this.limits.hashConcurrency;
      throw new OverloadedError(Math.max(1, Math.ceil(turns * this.secondsPerHash)));
    }
    return (await this.queue.push(work)) as T;
  }

  private async time<T>(work: () => Promise<T>): Promise<T> {
    const begin = performance.now();
    try {
      return await work();
    } finally {
      const seconds = (performance.now() - begin) / 1000;
      this.secondsPerHash += WEIGHT * (seconds - this.secondsPerHash);
    }
  }
}
