import { readlink } from 'node:fs/promises';
import { setPriority } from 'node:os';

/** libuv's default. */
const THREADS = 4;
const LOW_PRIORITY = 10;

/**
 * Gives the threads of the pool a lower priority than the event loop: a flood of sign-ins keeps every core busy with hashing,
 * and must not delay other requests and health checks. Works on Linux, where each thread has its own priority; elsewhere, and
 * where threads are hidden, it does nothing.
 */
export async function lowerThreadPoolPriority(): Promise<void> {
  if (process.platform !== 'linux') return;
  try {
    for (const thread of await poolThreads()) setPriority(thread, LOW_PRIORITY);
  } catch {
    // A sandbox without /proc: requests just wait longer under a flood of sign-ins.
  }
}

/** Each read runs on a free thread of the pool, and returns the id of that thread. */
async function poolThreads(): Promise<Set<number>> {
  const threads = new Set<number>();
  for (let round = 0; threads.size < THREADS && round < 50; round++) {
    const links = await Promise.all(Array.from({ length: 4 * THREADS }, () => readlink('/proc/thread-self')));
    for (const link of links) threads.add(Number(link.split('/').at(-1)));
  }
  return threads;
}
