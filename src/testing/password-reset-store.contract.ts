import { randomUUID } from 'node:crypto';
import { secondsAfter, Transactions } from '../common';
import { PasswordReset, PasswordResetStore } from '../password-reset';

const NOW = new Date('2026-01-02T03:04:05.678Z');

function exampleReset(changes: Partial<PasswordReset> = {}): PasswordReset {
  return {
    id: randomUUID(),
    userId: randomUUID(),
    createdAt: NOW,
    expiresAt: secondsAfter(NOW, 600),
    mailedAt: null,
    usedAt: null,
    revokedAt: null,
    disavowedAt: null,
    ...changes,
  };
}

/** What every {@link PasswordResetStore} promises. */
export function passwordResetStoreContract(
  store: () => PasswordResetStore,
  transactions: () => Transactions,
): void {
  it('lets exactly one of 20 parallel calls spend a link', async () => {
    const reset = exampleReset();
    await store().insert(reset);
    const spends = Array.from({ length: 20 }, () => store().spend(reset.id, NOW));
    expect((await Promise.all(spends)).filter(Boolean)).toHaveLength(1);
    expect((await store().findById(reset.id))?.usedAt).toEqual(NOW);
  });

  it('lets exactly one of 20 parallel transactions spend a link', async () => {
    const reset = exampleReset();
    await store().insert(reset);
    const spends = Array.from({ length: 20 }, () => transactions().run(() => store().spend(reset.id, NOW)));
    expect((await Promise.all(spends)).filter(Boolean)).toHaveLength(1);
  });

  it('gives a link back when the transaction that spent it fails', async () => {
    const reset = exampleReset();
    await store().insert(reset);
    const failing = transactions().run(async () => {
      expect(await store().spend(reset.id, NOW)).toBe(true);
      throw new Error('a later step failed');
    });
    await expect(failing).rejects.toThrow('a later step failed');
    expect(await store().findById(reset.id)).toEqual(reset);
  });

  it.each([
    ['used', { usedAt: NOW }],
    ['revoked', { revokedAt: NOW }],
    ['expired', { expiresAt: NOW }],
  ])('does not spend a link that is %s', async (_, state) => {
    const reset = exampleReset(state);
    await store().insert(reset);
    expect(await store().spend(reset.id, NOW)).toBe(false);
    expect(await store().findById(reset.id)).toEqual(reset);
  });

  it('does not spend what is not there', async () => {
    expect(await store().spend(randomUUID(), NOW)).toBe(false);
    expect(await store().findById(randomUUID())).toBeUndefined();
  });

  it('revokes every unused link of a user and nobody else’s', async () => {
    const live = exampleReset();
    const used = exampleReset({ userId: live.userId, usedAt: NOW });
    const foreign = exampleReset();
    for (const reset of [live, used, foreign]) await store().insert(reset);
    await store().revokeAllOf(live.userId, NOW);
    expect(await store().findById(live.id)).toEqual({ ...live, revokedAt: NOW });
    expect(await store().findById(used.id)).toEqual(used);
    expect(await store().findById(foreign.id)).toEqual(foreign);
  });

  it('tells when the links of a user were made, latest first', async () => {
    const { userId } = exampleReset();
    const times = [-30, -10, -20].map((seconds) => secondsAfter(NOW, seconds));
    for (const createdAt of times) await store().insert(exampleReset({ userId, createdAt }));
    await store().insert(exampleReset({ userId, createdAt: secondsAfter(NOW, -100) }));
    await store().insert(exampleReset());
    const found = await store().createdSince(userId, secondsAfter(NOW, -60));
    expect(found).toEqual([-10, -20, -30].map((seconds) => secondsAfter(NOW, seconds)));
  });

  it('tells whether a link of a user was used after a moment', async () => {
    const used = exampleReset({ usedAt: NOW });
    const unused = exampleReset({ userId: used.userId });
    const foreign = exampleReset({ usedAt: secondsAfter(NOW, 60) });
    for (const reset of [used, unused, foreign]) await store().insert(reset);
    expect(await store().isUsedAfter(used.userId, secondsAfter(NOW, -0.001))).toBe(true);
    expect(await store().isUsedAfter(used.userId, NOW)).toBe(false);
  });

  it('takes an account for its own, whatever its id looks like', async () => {
    const [one, other] = [exampleReset({ userId: '42' }), exampleReset({ userId: '4' })];
    for (const reset of [one, other]) await store().insert(reset);
    await store().revokeAllOf(other.userId, NOW);
    expect(await store().findById(one.id)).toEqual(one);
    expect(await store().findById(other.id)).toEqual({ ...other, revokedAt: NOW });
  });

  it('lets exactly one of 20 parallel calls disavow a reset', async () => {
    const [reset, other] = [exampleReset(), exampleReset()];
    for (const each of [reset, other]) await store().insert(each);
    const calls = Array.from({ length: 20 }, () => store().disavow(reset.id, NOW));
    expect((await Promise.all(calls)).filter(Boolean)).toHaveLength(1);
    expect(await store().findById(reset.id)).toEqual({ ...reset, disavowedAt: NOW });
    expect(await store().findById(other.id)).toEqual(other);
  });

  it.each([
    ['used', { usedAt: NOW }],
    ['revoked', { revokedAt: NOW }],
    ['expired', { expiresAt: NOW }],
  ])('disavows also a reset whose link is %s', async (_, state) => {
    const reset = exampleReset(state);
    await store().insert(reset);
    expect(await store().disavow(reset.id, secondsAfter(NOW, 60))).toBe(true);
    expect(await store().findById(reset.id)).toEqual({ ...reset, disavowedAt: secondsAfter(NOW, 60) });
  });

  it('does not disavow what is not there', async () => {
    expect(await store().disavow(randomUUID(), NOW)).toBe(false);
  });

  it('removes those that expired before a moment, and no others', async () => {
    const expired = exampleReset({ expiresAt: secondsAfter(NOW, -1), usedAt: NOW });
    const live = exampleReset({ expiresAt: NOW });
    for (const reset of [expired, live]) await store().insert(reset);
    expect(await store().deleteExpired(NOW)).toBeGreaterThan(0);
    expect(await store().findById(expired.id)).toBeUndefined();
    expect(await store().findById(live.id)).toEqual(live);
  });

  it('prolongs one link, until its mail has been handed over', async () => {
    const [reset, other] = [exampleReset(), exampleReset()];
    await store().insert(reset);
    await store().insert(other);
    const [sooner, later] = [secondsAfter(NOW, 900), secondsAfter(NOW, 1800)];
    expect(await store().prolong(reset.id, sooner, null)).toBe(true);
    expect(await store().findById(reset.id)).toEqual({ ...reset, expiresAt: sooner });
    const mailed = { ...reset, expiresAt: later, mailedAt: secondsAfter(NOW, 1) };
    expect(await store().prolong(reset.id, later, mailed.mailedAt)).toBe(true);
    for (const mailedAt of [null, secondsAfter(NOW, 5)])
      expect(await store().prolong(reset.id, sooner, mailedAt)).toBe(false);
    expect(await store().findById(reset.id)).toEqual(mailed);
    expect(await store().findById(other.id)).toEqual(other);
  });
}
