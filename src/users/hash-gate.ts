import fastq from 'fastq';
import { OverloadedError } from '../common';

/** Weight of the latest hash in the average time that one takes. */
const WEIGHT = 0.2;

/**
 * Lets only so many hashes be computed at a time and so many wait. bcrypt computes in libuv's thread pool; unbounded, a
 * flood of sign-ins would hold every thread of it, and each answer would come when nobody waits for it any more.
 */
export class HashGate {
  private readonly queue;
  private secondsAHash = 0.25;

  /** @param limits read at each hash */
  constructor(private readonly limits: { hashConcurrency: number; hashQueueLimit: number }) {
    this.queue = fastq.promise((work: () => Promise<unknown>) => this.time(work), limits.hashConcurrency);
  }

  /** @throws OverloadedError when too many wait; it says when all who wait now will have had their turn */
  async pass<T>(work: () => Promise<T>): Promise<T> {
    if (this.queue.length() >= this.limits.hashQueueLimit) {
      const turns = this.queue.length() / this.limits.hashConcurrency;
      throw new OverloadedError(Math.max(1, Math.ceil(turns * this.secondsAHash)));
    }
    return (await this.queue.push(work)) as T;
  }

  private async time<T>(work: () => Promise<T>): Promise<T> {
    const begin = performance.now();
    try {
      return await work();
    } finally {
      const seconds = (performance.now() - begin) / 1000;
      this.secondsAHash += WEIGHT * (seconds - this.secondsAHash);
    }
  }
}
