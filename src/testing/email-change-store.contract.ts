import { randomUUID } from 'node:crypto';
import { EmailChange, EmailChangeStore } from '../account';
import { secondsAfter, Transactions } from '../common';

const NOW = new Date('2026-01-02T03:04:05.678Z');

function exampleChange(changes: Partial<EmailChange> = {}): EmailChange {
  const name = randomUUID();
  return {
    id: randomUUID(),
    userId: randomUUID(),
    email: `Susan.${name}@example.com`,
    emailKey: `susan.${name}@example.com`,
    fromDigest: null,
    previousEmail: null,
    createdAt: NOW,
    mailedAt: null,
    effectiveAt: null,
    confirmedAt: null,
    cancelledAt: null,
    stoppedAt: null,
    undoneAt: null,
    ...changes,
  };
}

/** What every {@link EmailChangeStore} promises. */
export function emailChangeStoreContract(
  store: () => EmailChangeStore,
  transactions: () => Transactions,
): void {
  const insert = async (...changes: EmailChange[]) => {
    for (const change of changes) await store().insert(change);
  };

  it('gives back a change exactly as it was stored', async () => {
    const change = exampleChange({
      email: 'Susan@bücher.example',
      emailKey: 'susan@xn--bcher-kva.example',
      fromDigest: 'a digest of an address',
      previousEmail: 'Susan@old.example',
      effectiveAt: secondsAfter(NOW, 60),
      stoppedAt: NOW,
    });
    await insert(change, exampleChange());
    expect(await store().findById(change.id)).toEqual(change);
    expect(await store().findById(randomUUID())).toBeUndefined();
  });

  it.each(['confirm', 'cancel', 'markMailed', 'hold', 'stop'] as const)(
    'lets exactly one of 20 parallel transactions %s a change',
    async (act) => {
      const change = exampleChange();
      await insert(change);
      const calls = Array.from({ length: 20 }, () => transactions().run(() => store()[act](change.id, NOW)));
      expect((await Promise.all(calls)).filter(Boolean)).toHaveLength(1);
    },
  );

  it('lets a change be confirmed or cancelled, never both', async () => {
    const change = exampleChange();
    await insert(change);
    const calls = Array.from({ length: 20 }, (_, n) =>
      n % 2 ? store().confirm(change.id, NOW) : store().cancel(change.id, NOW),
    );
    expect((await Promise.all(calls)).filter(Boolean)).toHaveLength(1);
    const { confirmedAt, cancelledAt } = (await store().findById(change.id))!;
    expect([confirmedAt, cancelledAt].filter(Boolean)).toEqual([NOW]);
  });

  it('gives a change back when the transaction that confirmed it fails', async () => {
    const change = exampleChange();
    await insert(change);
    const failing = transactions().run(async () => {
      expect(await store().confirm(change.id, NOW)).toBe(true);
      throw new Error('a later step failed');
    });
    await expect(failing).rejects.toThrow('a later step failed');
    expect(await store().findById(change.id)).toEqual(change);
  });

  it.each([
    ['confirmed', { confirmedAt: NOW }],
    ['cancelled', { cancelledAt: NOW }],
  ])('leaves a change alone that is %s', async (_, state) => {
    const change = exampleChange(state);
    await insert(change);
    const later = secondsAfter(NOW, 1);
    for (const act of ['confirm', 'cancel', 'markMailed', 'hold'] as const)
      expect(await store()[act](change.id, later)).toBe(false);
    expect(await store().cancelAllOf(change.userId, later)).toBe(0);
    expect(await store().findById(change.id)).toEqual(change);
  });

  it('confirms a change that was mailed, and cancels one', async () => {
    const [confirmed, cancelled] = [exampleChange({ mailedAt: NOW }), exampleChange({ mailedAt: NOW })];
    await insert(confirmed, cancelled);
    expect(await store().confirm(confirmed.id, NOW)).toBe(true);
    expect(await store().cancel(cancelled.id, NOW)).toBe(true);
    expect(await store().findById(confirmed.id)).toEqual({ ...confirmed, confirmedAt: NOW });
    expect(await store().findById(cancelled.id)).toEqual({ ...cancelled, cancelledAt: NOW });
  });

  it('cancels what is pending of an account and nobody else’s, whatever its id looks like', async () => {
    const [one, other] = [exampleChange({ userId: '42' }), exampleChange({ userId: '4' })];
    await insert(one, other);
    expect(await store().cancelAllOf('4', NOW)).toBe(1);
    expect(await store().findById(one.id)).toEqual(one);
    expect(await store().findById(other.id)).toEqual({ ...other, cancelledAt: NOW });
  });

  it.each([
    ['pending', {}],
    ['confirmed', { confirmedAt: NOW }],
    ['cancelled', { cancelledAt: NOW }],
  ])('notes that a change was stopped, also one that is %s, and nothing else of it', async (_, state) => {
    const change = exampleChange(state);
    await insert(change);
    expect(await store().stop(change.id, secondsAfter(NOW, 1))).toBe(true);
    expect(await store().findById(change.id)).toEqual({ ...change, stoppedAt: secondsAfter(NOW, 1) });
    expect(await store().stop(randomUUID(), NOW)).toBe(false);
  });

  it('finds what is due, the earliest first, and nothing that is done, canceled, or not to be held', async () => {
    const [late, early] = [exampleChange(), exampleChange()];
    const [done, cancelled, later] = [exampleChange(), exampleChange(), exampleChange()];
    await insert(late, early, done, cancelled, later, exampleChange());
    // Long ago, so that nothing of another test comes first.
    const at = secondsAfter(NOW, -1e8);
    expect(await store().hold(late.id, at)).toBe(true);
    for (const { id } of [early, done, cancelled]) await store().hold(id, secondsAfter(at, -1));
    await store().hold(later.id, secondsAfter(at, 1));
    await store().confirm(done.id, NOW);
    await store().cancel(cancelled.id, NOW);
    expect(await store().findDue(at, 10)).toEqual([early.id, late.id]);
    expect(await store().findDue(at, 1)).toEqual([early.id]);
    await store().cancelAllOf(early.userId, NOW);
    expect(await store().findDue(at, 10)).toEqual([late.id]);
    await store().cancelAllOf(late.userId, NOW);
    await store().cancelAllOf(later.userId, NOW);
  });

  it('confirms a change that is held, and holds it once', async () => {
    const change = exampleChange();
    await insert(change);
    expect(await store().hold(change.id, NOW)).toBe(true);
    expect(await store().hold(change.id, secondsAfter(NOW, 1))).toBe(false);
    expect(await store().confirm(change.id, NOW)).toBe(true);
    expect(await store().findById(change.id)).toEqual({ ...change, effectiveAt: NOW, confirmedAt: NOW });
  });

  it('counts what an account has asked for', async () => {
    const { userId } = exampleChange();
    await insert(
      exampleChange({ userId }),
      exampleChange({ userId, cancelledAt: NOW }),
      exampleChange({ userId, createdAt: secondsAfter(NOW, -100) }),
      exampleChange(),
    );
    expect(await store().countOf(userId, secondsAfter(NOW, -60))).toBe(2);
  });

  it('forgets every change of an account, whatever became of it, and no other', async () => {
    const { userId } = exampleChange();
    const [pending, confirmed] = [exampleChange({ userId }), exampleChange({ userId, confirmedAt: NOW })];
    const other = exampleChange();
    await insert(pending, confirmed, other);
    await store().deleteAllOf(userId);
    expect(await store().findById(pending.id)).toBeUndefined();
    expect(await store().findById(confirmed.id)).toBeUndefined();
    expect(await store().findById(other.id)).toEqual(other);
  });

  it('forgets what is old, and only that', async () => {
    const [old, young] = [exampleChange({ createdAt: secondsAfter(NOW, -100) }), exampleChange()];
    await insert(old, young);
    expect(await store().deleteExpired(secondsAfter(NOW, -50))).toBeGreaterThanOrEqual(1);
    expect(await store().findById(old.id)).toBeUndefined();
    expect(await store().findById(young.id)).toEqual(young);
  });

  it('finds the latest change that took an address from an account, and those of no other address', async () => {
    const fromDigest = randomUUID();
    const at = (seconds: number) => ({ fromDigest, confirmedAt: secondsAfter(NOW, seconds) });
    const [old, earlier, latest] = [exampleChange(at(-60)), exampleChange(at(10)), exampleChange(at(20))];
    const undone = exampleChange({ ...at(30), undoneAt: NOW });
    const pending = exampleChange({ fromDigest });
    const foreign = exampleChange({ fromDigest: randomUUID(), confirmedAt: secondsAfter(NOW, 40) });
    await insert(old, earlier, latest, undone, pending, foreign);
    expect(await store().findConfirmedFrom(fromDigest, secondsAfter(NOW, -60))).toEqual(latest);
    expect(await store().findConfirmedFrom(fromDigest, secondsAfter(NOW, 20))).toBeUndefined();
  });

  it('undoes what an account has confirmed from a moment on, once', async () => {
    const { userId } = exampleChange();
    const at = (seconds: number) => ({ userId, confirmedAt: secondsAfter(NOW, seconds) });
    const [earlier, first, second] = [exampleChange(at(-1)), exampleChange(at(0)), exampleChange(at(5))];
    const others = [exampleChange({ userId }), exampleChange({ confirmedAt: NOW })];
    await insert(earlier, first, second, ...others);
    const undo = () => transactions().run(() => store().undoSince(userId, NOW, secondsAfter(NOW, 60)));
    const counts = await Promise.all(Array.from({ length: 20 }, undo));
    expect(counts.filter(Boolean)).toEqual([2]);
    for (const change of [first, second])
      expect(await store().findById(change.id)).toEqual({ ...change, undoneAt: secondsAfter(NOW, 60) });
    for (const change of [earlier, ...others]) expect(await store().findById(change.id)).toEqual(change);
  });

  it('finds the latest change that took each of many addresses from an account', async () => {
    const [one, other] = [randomUUID(), randomUUID()];
    const at = (fromDigest: string, seconds: number) =>
      exampleChange({ fromDigest, confirmedAt: secondsAfter(NOW, seconds) });
    const [earlier, latest, foreign] = [at(one, 10), at(one, 20), at(other, 15)];
    await insert(earlier, latest, foreign);
    const found = await store().findAllConfirmedFrom([one, other, randomUUID()], NOW);
    expect(found).toHaveLength(2);
    expect(found).toEqual(expect.arrayContaining([latest, foreign]));
  });
}
