import { randomUUID } from 'node:crypto';
import { secondsAfter, Transactions } from '../common';
import { QuietPeriodStore } from '../password-reset';

const NOW = new Date('2026-01-02T03:04:05.678Z');

/** What every {@link QuietPeriodStore} promises. */
export function quietPeriodStoreContract(
  store: () => QuietPeriodStore,
  transactions: () => Transactions,
): void {
  it('knows when the quiet period of an account ends, and of none where there was none', async () => {
    const [quiet, other] = [randomUUID(), randomUUID()];
    await store().begin(quiet, NOW);
    expect(await store().endOf(quiet)).toEqual(NOW);
    expect(await store().endOf(other)).toBeUndefined();
  });

  it('puts a new one in place of the latest, and be it a shorter one', async () => {
    const userId = randomUUID();
    await store().begin(userId, secondsAfter(NOW, 60));
    await store().begin(userId, NOW);
    expect(await store().endOf(userId)).toEqual(NOW);
  });

  it('takes it back when the transaction that began it fails', async () => {
    const userId = randomUUID();
    const failing = transactions().run(async () => {
      await store().begin(userId, NOW);
      throw new Error('a later step failed');
    });
    await expect(failing).rejects.toThrow('a later step failed');
    expect(await store().endOf(userId)).toBeUndefined();
  });

  it('takes an account for its own, whatever its id looks like', async () => {
    await store().begin('42', NOW);
    await store().begin('4', secondsAfter(NOW, 1));
    expect(await store().endOf('42')).toEqual(NOW);
  });

  it('forgets those that ended before a moment, and no others', async () => {
    const [ended, running] = [randomUUID(), randomUUID()];
    await store().begin(ended, secondsAfter(NOW, -1));
    await store().begin(running, NOW);
    expect(await store().deleteExpired(NOW)).toBeGreaterThan(0);
    expect(await store().endOf(ended)).toBeUndefined();
    expect(await store().endOf(running)).toEqual(NOW);
  });

  it('knows when the quiet periods of many accounts end', async () => {
    const [quiet, other, none] = [randomUUID(), randomUUID(), randomUUID()];
    await store().begin(quiet, NOW);
    await store().begin(other, secondsAfter(NOW, 1));
    const ends = await store().endsOf([quiet, none, other]);
    expect(ends).toEqual(
      new Map([
        [quiet, NOW],
        [other, secondsAfter(NOW, 1)],
      ]),
    );
  });
}
