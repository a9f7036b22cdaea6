import { setTimeout as delay } from 'node:timers/promises';
import { Transactions } from '../common';
import { UserStore } from '../users';
import { exampleUser } from './user-store.contract';

const FAILURE = new Error('changed my mind');

/** What every {@link Transactions} promises to a store that takes part in them. */
export function transactionsContract(transactions: () => Transactions, store: () => UserStore): void {
  const failing = (work: () => Promise<void>) =>
    transactions().run(async () => {
      await work();
      throw FAILURE;
    });

  it('keeps everything when the work succeeds, and gives its result back', async () => {
    const users = [exampleUser(), exampleUser()];
    const result = await transactions().run(async () => {
      for (const user of users) await store().insert(user);
      return 'done';
    });
    expect(result).toBe('done');
    for (const user of users) expect(await store().findById(user.id)).toEqual(user);
  });

  it('takes everything back when the work fails', async () => {
    const [existing, added] = [exampleUser(), exampleUser()];
    await store().insert(existing);
    const work = failing(async () => {
      await store().insert(added);
      await store().setPassword(existing.id, 'a new hash');
    });
    await expect(work).rejects.toBe(FAILURE);
    expect(await store().findById(added.id)).toBeUndefined();
    expect(await store().findById(existing.id)).toEqual(existing);
  });

  it('sees its own changes, which nobody else does until it has succeeded', async () => {
    const user = exampleUser();
    let peek: Promise<unknown> | undefined;
    await store().insert(user);
    const outside = delay(20).then(() => store().findById(user.id));
    await transactions().run(async () => {
      await store().setPassword(user.id, 'a new hash');
      expect((await store().findById(user.id))?.passwordHash).toBe('a new hash');
      peek = outside;
      await outside;
    });
    expect(await peek).toEqual(user);
    expect((await store().findById(user.id))?.passwordHash).toBe('a new hash');
  });

  it('joins the transaction under way', async () => {
    const user = exampleUser();
    const work = failing(() => transactions().run(() => store().insert(user)));
    await expect(work).rejects.toBe(FAILURE);
    expect(await store().findById(user.id)).toBeUndefined();
  });

  it('keeps transactions of the same moment apart', async () => {
    const [kept, dropped] = [exampleUser(), exampleUser()];
    const results = await Promise.allSettled([
      transactions().run(() => store().insert(kept)),
      failing(() => store().insert(dropped)),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    expect(await store().findById(kept.id)).toEqual(kept);
    expect(await store().findById(dropped.id)).toBeUndefined();
  });
}
