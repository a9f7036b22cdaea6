import { readlink } from 'node:fs/promises';
import { setPriority } from 'node:os';

/** As many as libuv makes where it is not told otherwise. */
const THREADS = 4;
const LOWER = 10;

/**
 * Lets the event loop go first where it and a thread of the pool both want a core: a flood of sign-ins takes every core
 * there is for hashing, and must not keep an ask, a look or a health check waiting. On Linux, where a thread has a
 * priority of its own; elsewhere, and where threads are hidden, nothing happens.
 */
export async function letEventLoopGoFirst(): Promise<void> {
  if (process.platform !== 'linux') return;
  try {
    for (const thread of await poolThreads()) setPriority(thread, LOWER);
  } catch {
    // A sandbox without /proc: the server works as well, only less evenly under a flood.
  }
}

/** Whichever thread of the pool is free reads who it is. */
async function poolThreads(): Promise<Set<number>> {
  const threads = new Set<number>();
  for (let round = 0; threads.size < THREADS && round < 50; round++) {
    const links = await Promise.all(Array.from({ length: 4 * THREADS }, () => readlink('/proc/thread-self')));
    for (const link of links) threads.add(Number(link.split('/').at(-1)));
  }
  return threads;
}
