import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Limit, RateLimiter } from '../limits';

const limit: Limit = { name: 'contract', events: 3, seconds: 60 };

/** What every {@link RateLimiter} promises. */
export function rateLimiterContract(limiter: () => RateLimiter): void {
  const countTimes = async (times: number, key: string, changes: Partial<Limit> = {}) => {
    const verdicts = [];
    for (let n = 0; n < times; n++) verdicts.push(await limiter().count({ ...limit, ...changes }, key));
    return verdicts;
  };
  const allowed = (verdicts: { allowed: boolean }[]) => verdicts.filter(({ allowed }) => allowed).length;

  it('allows so many events, and names the first beyond them', async () => {
    const verdicts = await countTimes(6, randomUUID());
    expect(verdicts.map(({ allowed }) => allowed)).toEqual([true, true, true, false, false, false]);
    expect(verdicts.map(({ isFirstBeyond }) => isFirstBeyond)).toEqual([
      false,
      false,
      false,
      true,
      false,
      false,
    ]);
  });

  it('tells how many there have been in the window', async () => {
    const key = randomUUID();
    expect((await countTimes(5, key)).map(({ events }) => events)).toEqual([1, 2, 3, 4, 5]);
    await limiter().uncount(limit, key);
    expect((await countTimes(1, key)).map(({ events }) => events)).toEqual([5]);
    await limiter().clear(limit, key);
    expect((await countTimes(1, key)).map(({ events }) => events)).toEqual([1]);
  });

  it('allows as many of 100 parallel events, and names one first beyond them', async () => {
    const key = randomUUID();
    const verdicts = await Promise.all(Array.from({ length: 100 }, () => limiter().count(limit, key)));
    expect(allowed(verdicts)).toBe(3);
    expect(verdicts.filter(({ isFirstBeyond }) => isFirstBeyond)).toHaveLength(1);
  });

  it('says in whole seconds when the window ends', async () => {
    for (const { retryAfterSeconds } of await countTimes(5, randomUUID())) {
      expect(Number.isInteger(retryAfterSeconds)).toBe(true);
      expect(retryAfterSeconds).toBeGreaterThan(30);
      expect(retryAfterSeconds).toBeLessThanOrEqual(60);
    }
  });

  it('allows the same again after the window, which knocking does not move', async () => {
    const key = randomUUID();
    expect(allowed(await countTimes(4, key, { seconds: 1 }))).toBe(3);
    for (let waited = 0; waited < 50; waited++) {
      await delay(50);
      if (allowed(await countTimes(1, key, { seconds: 1 })) === 1) break;
    }
    expect(allowed(await countTimes(3, key, { seconds: 1 }))).toBe(2);
  });

  it('counts each key and each limit by itself', async () => {
    const key = randomUUID();
    await countTimes(4, key);
    expect(allowed(await countTimes(4, `${key}.`))).toBe(3);
    expect(allowed(await countTimes(4, key, { name: 'contract-2' }))).toBe(3);
  });

  it.each([
    ['10,000 characters', 'x'.repeat(10_000)],
    ['NUL', '\0'],
    ['half a character', '\ud800'],
    ['SQL', "'; DROP TABLE latchkey.limit_counters; --"],
    ['nothing', ''],
  ])('takes any key: %s', async (_, text) => {
    const name = `contract-${randomUUID()}`;
    expect(allowed(await countTimes(4, text, { name }))).toBe(3);
  });

  it('takes one event back', async () => {
    const key = randomUUID();
    await countTimes(4, key);
    await limiter().uncount(limit, key);
    expect(allowed(await countTimes(1, key))).toBe(0);
    await limiter().uncount(limit, key);
    await limiter().uncount(limit, key);
    expect(allowed(await countTimes(2, key))).toBe(1);
  });

  it('gives no event to spare for one that was counted in an earlier window', async () => {
    const key = randomUUID();
    await limiter().uncount(limit, key);
    expect(allowed(await countTimes(5, key))).toBe(3);
  });

  it('forgets what was counted under one key', async () => {
    const [key, other] = [randomUUID(), randomUUID()];
    await countTimes(4, key);
    await countTimes(4, other);
    await limiter().clear(limit, key);
    await limiter().clear(limit, randomUUID());
    expect(allowed(await countTimes(4, key))).toBe(3);
    expect(allowed(await countTimes(1, other))).toBe(0);
  });
}
