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
    createdAt: NOW,
    mailedAt: null,
    confirmedAt: null,
    cancelledAt: null,
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
    const change = exampleChange({ email: 'Susan@bücher.example', emailKey: 'susan@xn--bcher-kva.example' });
    await insert(change, exampleChange());
    expect(await store().findById(change.id)).toEqual(change);
    expect(await store().findById(randomUUID())).toBeUndefined();
  });

  it.each(['confirm', 'cancel', 'markMailed'] as const)(
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
    for (const act of ['confirm', 'cancel', 'markMailed'] as const)
      expect(await store()[act](change.id, later)).toBe(false);
    await store().cancelAllOf(change.userId, later);
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
    await store().cancelAllOf('4', NOW);
    expect(await store().findById(one.id)).toEqual(one);
    expect(await store().findById(other.id)).toEqual({ ...other, cancelledAt: NOW });
  });

  it('counts what an account has asked for, and what was asked for an address', async () => {
    const { userId, emailKey } = exampleChange();
    await insert(
      exampleChange({ userId, emailKey }),
      exampleChange({ userId, cancelledAt: NOW }),
      exampleChange({ userId, createdAt: secondsAfter(NOW, -100) }),
      exampleChange({ emailKey }),
      exampleChange({ emailKey, confirmedAt: NOW }),
      exampleChange({ emailKey, createdAt: secondsAfter(NOW, -100) }),
    );
    expect(await store().countOf(userId, secondsAfter(NOW, -60))).toBe(2);
    expect(await store().countTo(emailKey, secondsAfter(NOW, -60))).toBe(3);
    expect(await store().countTo(emailKey.toUpperCase(), secondsAfter(NOW, -60))).toBe(0);
  });

  it('forgets what is old, and only that', async () => {
    const [old, young] = [exampleChange({ createdAt: secondsAfter(NOW, -100) }), exampleChange()];
    await insert(old, young);
    expect(await store().deleteBefore(secondsAfter(NOW, -50))).toBeGreaterThanOrEqual(1);
    expect(await store().findById(old.id)).toBeUndefined();
    expect(await store().findById(young.id)).toEqual(young);
  });
}
