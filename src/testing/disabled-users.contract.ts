import { UserStore } from '../users';
import { exampleUser } from './user-store.contract';

const SINCE = new Date('2026-02-03T04:05:06.789Z');

/** What a {@link UserStore} promises where accounts are disabled and enabled by `UsersService`. */
export function disabledUsersContract(store: () => UserStore): void {
  it('disables and enables one account, and changes nothing else', async () => {
    const [user, other] = [await store().insert(exampleUser()), await store().insert(exampleUser())];
    await store().setDisabled(user.id, SINCE);
    expect(await store().findById(user.id)).toEqual({ ...user, disabledAt: SINCE });
    expect(await store().findById(other.id)).toEqual(other);
    await store().setDisabled(user.id, null);
    expect(await store().findById(user.id)).toEqual(user);
  });
}
