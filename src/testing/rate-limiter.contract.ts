import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Limit, RateLimiter } from '../limits';

const limit: Limit = { name: 'contract', events: 3, seconds: 60 };

/** What every {@link RateLimiter} promises. */
export function rateLimiterContract(limiter: () => RateLimiter): void {
  const countTimes = async (times: number, key: string, changes: Partial<Limit> = {}) => {
    const verdicts = [];
    for (let n = 0; n < times; n++) verdicts.push(await limiter().consume({ ...limit, ...changes }, key));
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
    await limiter().refund(limit, key);
    expect((await countTimes(1, key)).map(({ events }) => events)).toEqual([5]);
    await limiter().clear(limit, key);
    expect((await countTimes(1, key)).map(({ events }) => events)).toEqual([1]);
  });

  it('allows as many of 100 parallel events, and names one first beyond them', async () => {
    const key = randomUUID();
    const verdicts = await Promise.all(Array.from({ length: 100 }, () => limiter().consume(limit, key)));
    expect(allowed(verdicts)).toBe(3);
    expect(verdicts.filter(({ isFirstBeyond }) => isFirstBeyond)).toHaveLength(1);
  });

  const inOrder = (key: string) => [
    { limit, key },
    { limit: { ...limit, name: 'contract-hour', events: 5 }, key },
    { limit: { ...limit, name: 'contract-network', events: 50 }, key: `${key}-network` },
  ];

  it('counts with several counters in order, and what one of them refuses is not counted by the later ones', async () => {
    const key = randomUUID();
    const counted = async () => (await limiter().consumeInOrder(inOrder(key))).map(({ events }) => events);
    expect(await counted()).toEqual([1, 1, 1]);
    for (const events of [2, 3]) expect(await counted()).toEqual([events, events, events]);
    expect(await counted()).toEqual([4]);
    expect(await counted()).toEqual([5]);
    await limiter().clear(limit, key);
    expect(await counted()).toEqual([1, 4, 4]);
    expect(await counted()).toEqual([2, 5, 5]);
    expect(await counted()).toEqual([3, 6]);
    expect(await limiter().consumeInOrder([])).toEqual([]);
  });

  it('allows as many of 60 parallel events of two keys that share a counter, in any order of the counters', async () => {
    const [one, other, shared] = [randomUUID(), randomUUID(), randomUUID()];
    const verdicts = await Promise.all(
      Array.from({ length: 60 }, (_, n) => {
        const [first, , last] = inOrder(n % 2 === 0 ? one : other);
        const counters = [first!, { ...last!, key: shared }];
        return limiter().consumeInOrder(n % 3 === 0 ? counters.reverse() : counters);
      }),
    );
    const admitted = verdicts.filter((each) => each.length === 2 && each.every(({ allowed }) => allowed));
    expect(admitted).toHaveLength(6);
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
    await limiter().refund(limit, key);
    expect(allowed(await countTimes(1, key))).toBe(0);
    await limiter().refund(limit, key);
    await limiter().refund(limit, key);
    expect(allowed(await countTimes(2, key))).toBe(1);
  });

  it('gives no event to spare for one that was counted in an earlier window', async () => {
    const key = randomUUID();
    await limiter().refund(limit, key);
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

  it('reserves no more events than the limit has, and names one first beyond them', async () => {
    const key = randomUUID();
    const reservations = [];
    for (let n = 0; n < 4; n++) reservations.push(await limiter().reserve(limit, key, 2));
    const granted = reservations.reduce((sum, each) => sum + each.granted, 0);
    expect(granted).toBe(3);
    expect(reservations.filter(({ isFirstBeyond }) => isFirstBeyond)).toHaveLength(1);
    expect(allowed(await countTimes(1, key))).toBe(0);
  });

  it('reserves no more events than the limit has for any number at a time', async () => {
    const key = randomUUID();
    const many = { ...limit, events: 100 };
    const reservations = await Promise.all(Array.from({ length: 40 }, () => limiter().reserve(many, key, 7)));
    const granted = reservations.reduce((sum, each) => sum + each.granted, 0);
    expect(granted).toBeLessThanOrEqual(100);
    expect(granted).toBeGreaterThanOrEqual(40);
  });
}
