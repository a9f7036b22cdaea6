import { randomUUID } from 'node:crypto';
import { secondsAfter, Transactions } from '../common';
import { PasswordReset, PasswordResetStore } from '../password-reset';

const NOW = new Date('2026-01-02T03:04:05.678Z');

function exampleReset(changes: Partial<PasswordReset> = {}): PasswordReset {
  return {
    id: randomUUID(),
    userId: randomUUID(),
    emailDigest: 'a digest of an address',
    undoneChangeId: null,
    createdAt: NOW,
    expiresAt: secondsAfter(NOW, 600),
    mailedAt: null,
    usedAt: null,
    revokedAt: null,
    disavowedAt: null,
    discountedAt: null,
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

  it('revokes no link that undoes a change of address', async () => {
    const live = exampleReset();
    const undoing = exampleReset({ userId: live.userId, undoneChangeId: randomUUID() });
    for (const reset of [live, undoing]) await store().insert(reset);
    await store().revokeAllOf(live.userId, NOW);
    expect(await store().findById(live.id)).toEqual({ ...live, revokedAt: NOW });
    expect(await store().findById(undoing.id)).toEqual(undoing);
  });

  it('finds the links of a user that are neither used nor revoked, latest first', async () => {
    const { userId } = exampleReset();
    const open = [-30, -10, -20].map((seconds) =>
      exampleReset({ userId, createdAt: secondsAfter(NOW, seconds), discountedAt: NOW, expiresAt: NOW }),
    );
    const others = [
      exampleReset({ userId, createdAt: secondsAfter(NOW, -60) }),
      exampleReset({ userId, usedAt: NOW }),
      exampleReset({ userId, revokedAt: NOW }),
      exampleReset(),
    ];
    for (const reset of [...open, ...others]) await store().insert(reset);
    const found = await store().openSince(userId, secondsAfter(NOW, -60));
    expect(found).toEqual([open[1], open[2], open[0]]);
  });

  it('discounts one link, once, in whatever state it is', async () => {
    const [reset, other] = [exampleReset({ usedAt: NOW }), exampleReset()];
    for (const each of [reset, other]) await store().insert(each);
    for (const seconds of [0, 60]) await store().discount(reset.id, secondsAfter(NOW, seconds));
    expect(await store().findById(reset.id)).toEqual({ ...reset, discountedAt: NOW });
    expect(await store().findById(other.id)).toEqual(other);
  });

  it('discounts every open link of a user at a sign-in, and no other', async () => {
    const { userId } = exampleReset();
    const open = [exampleReset({ userId }), exampleReset({ userId, expiresAt: secondsAfter(NOW, -1) })];
    const others = [
      exampleReset({ userId, usedAt: NOW }),
      exampleReset({ userId, revokedAt: NOW }),
      exampleReset({ userId, discountedAt: secondsAfter(NOW, -60) }),
      exampleReset({ userId, undoneChangeId: randomUUID() }),
      exampleReset(),
    ];
    for (const reset of [...open, ...others]) await store().insert(reset);
    await store().discountAllOf(userId, NOW);
    for (const reset of open)
      expect(await store().findById(reset.id)).toEqual({ ...reset, discountedAt: NOW });
    for (const reset of others) expect(await store().findById(reset.id)).toEqual(reset);
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

  it('disavows every reset of a user that is not, in whatever state its link is, and nobody else’s', async () => {
    const used = exampleReset({ usedAt: NOW });
    const live = exampleReset({ userId: used.userId });
    const disavowed = exampleReset({ userId: used.userId, disavowedAt: NOW });
    const foreign = exampleReset();
    for (const reset of [used, live, disavowed, foreign]) await store().insert(reset);
    const later = secondsAfter(NOW, 60);
    await store().disavowAllOf(used.userId, later);
    expect(await store().findById(used.id)).toEqual({ ...used, disavowedAt: later });
    expect(await store().findById(live.id)).toEqual({ ...live, disavowedAt: later });
    expect(await store().findById(disavowed.id)).toEqual(disavowed);
    expect(await store().findById(foreign.id)).toEqual(foreign);
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

  it('renews one link for each retry of its mail, until that has been handed over', async () => {
    const [reset, other] = [exampleReset({ expiresAt: NOW }), exampleReset()];
    await store().insert(reset);
    await store().insert(other);
    for (const expiresAt of [secondsAfter(NOW, 900), secondsAfter(NOW, 1800)]) {
      expect(await store().renew(reset.id, expiresAt)).toBe(true);
      expect(await store().findById(reset.id)).toEqual({ ...reset, expiresAt });
    }
    const mailed = { ...reset, expiresAt: secondsAfter(NOW, 1800), mailedAt: NOW };
    await store().markMailed(reset.id, NOW);
    expect(await store().renew(reset.id, secondsAfter(NOW, 3600))).toBe(false);
    expect(await store().findById(reset.id)).toEqual(mailed);
    expect(await store().findById(other.id)).toEqual(other);
  });

  it.each([
    ['used', { usedAt: NOW }],
    ['revoked', { revokedAt: NOW }],
  ])('does not renew a link that is %s', async (_, state) => {
    const reset = exampleReset(state);
    await store().insert(reset);
    expect(await store().renew(reset.id, secondsAfter(NOW, 900))).toBe(false);
    expect(await store().findById(reset.id)).toEqual(reset);
    expect(await store().renew(randomUUID(), NOW)).toBe(false);
  });

  it('lets exactly one of 20 parallel calls record that the mail was handed over', async () => {
    const [reset, other] = [exampleReset(), exampleReset()];
    for (const each of [reset, other]) await store().insert(each);
    const calls = Array.from({ length: 20 }, () => store().markMailed(reset.id, NOW));
    expect((await Promise.all(calls)).filter(Boolean)).toHaveLength(1);
    expect(await store().findById(reset.id)).toEqual({ ...reset, mailedAt: NOW });
    expect(await store().findById(other.id)).toEqual(other);
    expect(await store().markMailed(randomUUID(), NOW)).toBe(false);
  });

  it('finds the open links of many users, of each the latest first', async () => {
    const [one, other] = [exampleReset(), exampleReset()];
    const older = exampleReset({ userId: one.userId, createdAt: secondsAfter(NOW, -10) });
    const others = [exampleReset({ userId: one.userId, usedAt: NOW }), exampleReset()];
    for (const reset of [older, one, other, ...others]) await store().insert(reset);
    const found = await store().openOfAllSince([one.userId, other.userId], secondsAfter(NOW, -60));
    expect(found.filter(({ userId }) => userId === one.userId)).toEqual([one, older]);
    expect(found.filter(({ userId }) => userId === other.userId)).toEqual([other]);
    expect(found).toHaveLength(3);
  });

  it('inserts many links at once, and leaves those that are there as they are', async () => {
    const known = exampleReset({ mailedAt: NOW });
    await store().insert(known);
    const fresh = [exampleReset({ undoneChangeId: randomUUID() }), exampleReset({ emailDigest: null })];
    const again = { ...known, userId: 'another', mailedAt: null };
    const inserted = await store().insertAll([again, ...fresh]);
    expect(new Set(inserted)).toEqual(new Set(fresh.map(({ id }) => id)));
    for (const reset of [known, ...fresh]) expect(await store().findById(reset.id)).toEqual(reset);
  });

  it('records of many mails at once that they were handed over, of each once', async () => {
    const [one, mailed, other] = [exampleReset(), exampleReset({ mailedAt: NOW }), exampleReset()];
    for (const reset of [one, mailed, other]) await store().insert(reset);
    const later = secondsAfter(NOW, 60);
    expect(await store().markAllMailed([one.id, mailed.id, randomUUID()], later)).toEqual([one.id]);
    expect(await store().findById(one.id)).toEqual({ ...one, mailedAt: later });
    expect(await store().findById(mailed.id)).toEqual(mailed);
    expect(await store().findById(other.id)).toEqual(other);
  });
}
