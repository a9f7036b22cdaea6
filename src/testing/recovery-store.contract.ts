import { randomUUID } from 'node:crypto';
import { RecoveryStore } from '../account';
import { secondsAfter, Transactions } from '../common';

const NOW = new Date('2026-01-02T03:04:05.678Z');

/** What every {@link RecoveryStore} promises. */
export function recoveryStoreContract(store: () => RecoveryStore, transactions: () => Transactions): void {
  it('knows when an account was last recovered, and of none that never was', async () => {
    const [recovered, other] = [randomUUID(), randomUUID()];
    await store().note(recovered, secondsAfter(NOW, -60));
    await store().note(recovered, NOW);
    expect(await store().lastOf(recovered)).toEqual(NOW);
    expect(await store().lastOf(other)).toBeUndefined();
  });

  it('takes a recovery back when the transaction that noted it fails', async () => {
    const userId = randomUUID();
    const failing = transactions().run(async () => {
      await store().note(userId, NOW);
      throw new Error('a later step failed');
    });
    await expect(failing).rejects.toThrow('a later step failed');
    expect(await store().lastOf(userId)).toBeUndefined();
  });

  it('takes an account for its own, whatever its id looks like', async () => {
    await store().note('42', NOW);
    await store().note('4', secondsAfter(NOW, 1));
    expect(await store().lastOf('42')).toEqual(NOW);
  });

  it('forgets those from before a moment, and no others', async () => {
    const [old, young] = [randomUUID(), randomUUID()];
    await store().note(old, secondsAfter(NOW, -1));
    await store().note(young, NOW);
    expect(await store().deleteExpired(NOW)).toBeGreaterThan(0);
    expect(await store().lastOf(old)).toBeUndefined();
    expect(await store().lastOf(young)).toEqual(NOW);
  });
}
