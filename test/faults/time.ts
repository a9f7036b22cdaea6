// Waiting, and numbers about times. Every wait of the harness has an end.
import { setTimeout as delay } from 'node:timers/promises';

export { delay };

type Condition = () => unknown;

/** Waits until something is so. @returns the milliseconds that took; `undefined` where it never was */
export async function until(condition: Condition, patienceMs: number, pauseMs = 50) {
  const begin = performance.now();
  for (;;) {
    if (await condition()) return performance.now() - begin;
    if (performance.now() - begin > patienceMs) return undefined;
    await delay(pauseMs);
  }
}

/** As {@link until}. @throws Error where it never was */
export async function mustBe(condition: Condition, what: string, patienceMs: number, pauseMs?: number) {
  const ms = await until(condition, patienceMs, pauseMs);
  if (ms === undefined) throw new Error(`waited ${Math.round(patienceMs / 1000)} s in vain for ${what}`);
  return ms;
}

/** @returns what `work` gives; after the patience an error, whatever still goes on */
export async function within<T>(patienceMs: number, what: string, work: () => Promise<T>): Promise<T> {
  const ended = new AbortController();
  const late = delay(patienceMs, undefined, { signal: ended.signal }).then(
    () => Promise.reject(new Error(`${what} took longer than ${Math.round(patienceMs / 1000)} s`)),
    () => undefined as never,
  );
  try {
    return await Promise.race([work(), late]);
  } finally {
    ended.abort();
  }
}

/** @returns the value below which a share of the values lies; `NaN` of none, which is within no bound */
export function quantile(values: number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? NaN;
}

/** As {@link quantile}, of the times of answers. */
export function timesOf(answers: { ms: number }[], share: number) {
  return quantile(
    answers.map(({ ms }) => ms),
    share,
  );
}

/**
 * Sends at a steady rate, whether or not what was sent has been answered: a slow server does not get fewer requests.
 * @param lasts milliseconds, or a function that says whether to go on
 */
export async function atRate<T>(
  perSecond: number,
  lasts: number | ((ms: number) => boolean),
  send: (n: number) => T,
): Promise<Awaited<T>[]> {
  const goesOn = typeof lasts === 'function' ? lasts : (ms: number) => ms < lasts;
  const begin = performance.now();
  const sent: T[] = [];
  for (let n = 0; goesOn(performance.now() - begin); n++) {
    sent.push(send(n));
    await delay(Math.max(0, begin + ((n + 1) * 1000) / perSecond - performance.now()));
  }
  return Promise.all(sent);
}

/** Numbers from 1 to `most`, or as far as the time goes: on a busy machine a figure has a smaller n, and says so. */
export function* rounds(most: number, seconds: number) {
  const begin = performance.now();
  for (let n = 1; n <= most && (n === 1 || performance.now() - begin < seconds * 1000); n++) yield n;
}

/** Does work for each item, so many at a time. */
export async function inParallel<Item, Result>(
  items: Item[],
  atATime: number,
  work: (item: Item, n: number) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  let next = 0;
  const lane = async () => {
    while (next < items.length) {
      const n = next++;
      results[n] = await work(items[n]!, n);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atATime, items.length) }, lane));
  return results;
}

/** Does work so many times, some at a time. */
export function times<Result>(count: number, atATime: number, work: (n: number) => Promise<Result>) {
  return inParallel(
    Array.from({ length: count }, (_, n) => n),
    atATime,
    work,
  );
}
