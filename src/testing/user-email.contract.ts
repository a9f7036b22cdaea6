import { setTimeout as delay } from 'node:timers/promises';
import { Transactions } from '../common';
import { EmailTakenError, UserStore } from '../users';
import { exampleUser } from './user-store.contract';

/** What a {@link UserStore} promises with whom people can change their address: those that have `setEmail`. */
export function userEmailContract(store: () => UserStore, transactions: () => Transactions): void {
  it('changes the address of one user, and nothing else', async () => {
    const user = await store().insert(exampleUser());
    const other = await store().insert(exampleUser());
    const { email, emailKey } = exampleUser();
    await store().setEmail(user.id, email, emailKey);
    expect(await store().findByEmailKey(emailKey)).toEqual({ ...user, email, emailKey });
    expect(await store().findByEmailKey(user.emailKey)).toBeUndefined();
    expect(await store().findById(other.id)).toEqual(other);
  });

  it('lets somebody else have an address that has become free', async () => {
    const user = await store().insert(exampleUser());
    const { email, emailKey } = exampleUser();
    await store().setEmail(user.id, email, emailKey);
    const next = await store().insert(exampleUser({ emailKey: user.emailKey }));
    expect(await store().findByEmailKey(user.emailKey)).toEqual(next);
  });

  it('takes another spelling of the same address', async () => {
    const user = await store().insert(exampleUser());
    await store().setEmail(user.id, user.email.toUpperCase(), user.emailKey);
    expect(await store().findById(user.id)).toEqual({ ...user, email: user.email.toUpperCase() });
  });

  it('refuses the address of somebody else', async () => {
    const [user, other] = [await store().insert(exampleUser()), await store().insert(exampleUser())];
    const change = store().setEmail(user.id, other.email, other.emailKey);
    await expect(change).rejects.toBeInstanceOf(EmailTakenError);
    expect(await store().findById(user.id)).toEqual(user);
    expect(await store().findByEmailKey(other.emailKey)).toEqual(other);
  });

  it('gives an address to one of two users who get it at the same moment', async () => {
    const users = [await store().insert(exampleUser()), await store().insert(exampleUser())];
    const { email, emailKey } = exampleUser();
    const changes = users.map(({ id }) =>
      transactions().run(async () => {
        await store().setEmail(id, email, emailKey);
        await delay(50);
      }),
    );
    const results = await Promise.allSettled(changes);
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    const failure = results.find(({ status }) => status === 'rejected') as PromiseRejectedResult;
    expect(failure.reason).toBeInstanceOf(EmailTakenError);
    const winner = users[results.findIndex(({ status }) => status === 'fulfilled')]!;
    expect((await store().findByEmailKey(emailKey))?.id).toBe(winner.id);
  });

  it('takes the old address back when the transaction fails', async () => {
    const user = await store().insert(exampleUser());
    const { email, emailKey } = exampleUser();
    const failing = transactions().run(async () => {
      await store().setEmail(user.id, email, emailKey);
      throw new Error('a later step failed');
    });
    await expect(failing).rejects.toThrow('a later step failed');
    expect(await store().findById(user.id)).toEqual(user);
  });
}
