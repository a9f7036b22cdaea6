import { setTimeout as delay } from 'node:timers/promises';
import { Transactions } from '../common';
import { UserStore } from '../users';
import { exampleUser } from './user-store.contract';

/** What every {@link Transactions} promises to a store that takes part in them. */
export function transactionsContract(transactions: () => Transactions, store: () => UserStore): void {
  const failure = new Error('changed my mind');
  const failing = (work: () => Promise<unknown>) =>
    transactions().run(async () => {
      await work();
      throw failure;
    });

  it('keeps everything when the work succeeds, and gives its result back', async () => {
    const users = await transactions().run(async () => [
      await store().insert(exampleUser()),
      await store().insert(exampleUser()),
    ]);
    for (const user of users) expect(await store().findById(user.id)).toEqual(user);
  });

  it('takes everything back when the work fails', async () => {
    const existing = await store().insert(exampleUser());
    const added = exampleUser();
    const work = failing(async () => {
      await store().insert(added);
      await store().setPassword(existing.id, 'a new hash');
    });
    await expect(work).rejects.toBe(failure);
    expect(await store().findByEmailKey(added.emailKey)).toBeUndefined();
    expect(await store().findById(existing.id)).toEqual(existing);
  });

  it('sees its own changes, and nobody else sees what is then taken back', async () => {
    const user = await store().insert(exampleUser());
    // Started out here, so that it does not take part; a database of one connection answers it only afterwards.
    const seenFromOutside = delay(20).then(() => store().findById(user.id));
    const work = failing(async () => {
      await store().setPassword(user.id, 'a new hash');
      expect((await store().findById(user.id))?.passwordHash).toBe('a new hash');
      await delay(60);
    });
    await expect(work).rejects.toBe(failure);
    expect(await seenFromOutside).toEqual(user);
  });

  it('says whether one is under way', async () => {
    expect(transactions().underWay).toBe(false);
    const inside = () => Promise.resolve(transactions().underWay);
    expect(await transactions().run(inside)).toBe(true);
    expect(await transactions().run(() => transactions().run(inside))).toBe(true);
    await transactions().run(async () => {
      await transactions().run(inside);
      expect(transactions().underWay).toBe(true);
    });
    expect(transactions().underWay).toBe(false);
  });

  it('joins the transaction under way', async () => {
    const user = exampleUser();
    const work = failing(() => transactions().run(() => store().insert(user)));
    await expect(work).rejects.toBe(failure);
    expect(await store().findByEmailKey(user.emailKey)).toBeUndefined();
  });

  it('keeps transactions of the same moment apart', async () => {
    const [kept, dropped] = [exampleUser(), exampleUser()];
    const results = await Promise.allSettled([
      transactions().run(() => store().insert(kept)),
      failing(() => store().insert(dropped)),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    expect(await store().findByEmailKey(kept.emailKey)).toMatchObject(kept);
    expect(await store().findByEmailKey(dropped.emailKey)).toBeUndefined();
  });
}
