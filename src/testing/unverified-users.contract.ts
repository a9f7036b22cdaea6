import { secondsAfter } from '../common';
import { UnverifiedUserStore } from '../users';
import { exampleUser } from './user-store.contract';

/** Long before anybody else's, so that nothing but the users of these tests is ever removed by them. */
const SINCE = new Date('1926-01-02T03:04:05.678Z');
const LATER = secondsAfter(SINCE, 1);

/** What an {@link UnverifiedUserStore} promises beside the `userStoreContract`. */
export function unverifiedUsersContract(store: () => UnverifiedUserStore): void {
  const insert = (unverifiedSince: Date | null) => store().insert(exampleUser({ unverifiedSince }));

  it('gives back since when an account is unverified', async () => {
    const user = await insert(SINCE);
    expect(user.unverifiedSince).toEqual(SINCE);
    expect((await store().findById(user.id))?.unverifiedSince).toEqual(SINCE);
    expect((await store().findById((await insert(null)).id))?.unverifiedSince).toBeNull();
  });

  it('verifies one account, with the profile that comes along', async () => {
    const [user, other] = [await insert(SINCE), await insert(SINCE)];
    const profile = { email: user.emailKey, username: 'Susan Jones', locale: 'zh-TW' };
    await store().markEmailVerified(user.id, profile);
    expect(await store().findById(user.id)).toEqual({ ...user, ...profile, unverifiedSince: null });
    expect(await store().findById(other.id)).toEqual(other);
  });

  it('verifies without a profile, and takes a language back', async () => {
    const user = await insert(SINCE);
    await store().markEmailVerified(user.id);
    expect(await store().findById(user.id)).toEqual({ ...user, unverifiedSince: null });
    await store().markEmailVerified(user.id, { locale: 'zh-TW' });
    await store().markEmailVerified(user.id, { locale: null });
    expect((await store().findById(user.id))?.locale).toBeNull();
  });

  it('renews an unverified account, and makes no verified one unverified', async () => {
    const [user, verified] = [await insert(SINCE), await insert(null)];
    await store().renewUnverified(user.id, LATER);
    await store().renewUnverified(verified.id, LATER);
    expect((await store().findById(user.id))?.unverifiedSince).toEqual(LATER);
    expect(await store().findById(verified.id)).toEqual(verified);
  });

  it('removes accounts that have been unverified since before a moment, and no other', async () => {
    await store().deleteUnverified(secondsAfter(LATER, 1));
    const [old, young, verified] = [await insert(SINCE), await insert(LATER), await insert(null)];
    expect(await store().deleteUnverified(LATER)).toBe(1);
    expect(await store().findById(old.id)).toBeUndefined();
    expect(await store().findById(young.id)).toEqual(young);
    expect(await store().findById(verified.id)).toEqual(verified);
    await store().insert(exampleUser({ emailKey: old.emailKey }));
  });

  it('removes the unverified account of an address, and no other', async () => {
    const [user, other, verified] = [await insert(SINCE), await insert(SINCE), await insert(null)];
    for (const { emailKey } of [user, verified]) await store().deleteUnverifiedOf(emailKey);
    await store().deleteUnverifiedOf('nobody@example.com');
    expect(await store().findById(user.id)).toBeUndefined();
    expect(await store().findById(other.id)).toEqual(other);
    expect(await store().findById(verified.id)).toEqual(verified);
  });
}
