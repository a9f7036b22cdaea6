import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Transactions } from '../common';
import { EmailTakenError, NewStoredUser, UserStore } from '../users';

/** A user as a store is given it. */
export function exampleUser(changes: Partial<NewStoredUser> = {}): NewStoredUser {
  const name = randomUUID();
  return {
    email: `Susan.${name}@example.com`,
    emailKey: `susan.${name}@example.com`,
    username: 'Susan',
    locale: null,
    passwordHash: 'a hash',
    credentialsVersion: 1,
    disabledAt: null,
    createdAt: new Date('2026-01-02T03:04:05.678Z'),
    ...changes,
  };
}

/**
 * What every {@link UserStore} promises. Call it in a spec of yours, with a function that gives your store.
 * @param unknownId an id that no user has, for a store whose ids are not UUIDs
 */
export function userStoreContract(
  store: () => UserStore,
  transactions: () => Transactions,
  unknownId: string = randomUUID(),
): void {
  it('gives back a user exactly as it was stored', async () => {
    const newUser = exampleUser({ locale: 'zh-TW', disabledAt: new Date('2026-02-03T04:05:06.789Z') });
    const user = await store().insert(newUser);
    expect(user).toMatchObject({ ...newUser, id: expect.any(String) as string });
    expect(await store().findById(user.id)).toEqual(user);
    expect(await store().findByEmailKey(user.emailKey)).toEqual(user);
  });

  it('finds nobody under an id or a key that nobody has', async () => {
    await store().insert(exampleUser());
    expect(await store().findById(unknownId)).toBeUndefined();
    expect(await store().findByEmailKey('nobody@example.com')).toBeUndefined();
    expect(await transactions().run(() => store().lock(unknownId))).toBeUndefined();
  });

  it.each([undefined, null])('never takes a missing value (%s) for "the first user"', async (missing) => {
    await store().insert(exampleUser());
    const found = (find: Promise<unknown>) => find.catch(() => undefined);
    expect(await found(store().findById(missing as never))).toBeUndefined();
    expect(await found(store().findByEmailKey(missing as never))).toBeUndefined();
  });

  it.each(['%', '_', '*', '.*', 'SUSAN', ''])(
    'compares keys letter by letter: %j is no pattern',
    async (pattern) => {
      await store().insert(exampleUser());
      expect(await store().findByEmailKey(`${pattern}@example.com`)).toBeUndefined();
      expect(await store().findByEmailKey(pattern)).toBeUndefined();
    },
  );

  it.each([
    ['Kelvin sign', '\u212Aim', 'kim'],
    ['dotless i', 'm\u0131ke', 'mike'],
    ['long s', '\u017Fusan', 'susan'],
    ['capital dotted I', 'm\u0130ke', 'mike'],
    ['accent', 'm\u00edke', 'mike'],
    ['full width', '\uff4dike', 'mike'],
  ])('keeps twins of an address apart: %s', async (_, twin, original) => {
    const domain = `${randomUUID()}.example.com`;
    await store().insert(exampleUser({ emailKey: `${original}@${domain}` }));
    expect(await store().findByEmailKey(`${twin}@${domain}`)).toBeUndefined();
    await store().insert(exampleUser({ emailKey: `${twin}@${domain}` }));
  });

  it('refuses a second user with the same key', async () => {
    const user = await store().insert(exampleUser());
    const twin = store().insert(exampleUser({ emailKey: user.emailKey }));
    await expect(twin).rejects.toBeInstanceOf(EmailTakenError);
    expect(await store().findByEmailKey(user.emailKey)).toEqual(user);
  });

  it('raises the credentials version with the password, of this user only', async () => {
    const user = await store().insert(exampleUser());
    const other = await store().insert(exampleUser());
    await store().setPassword(user.id, 'a new hash');
    expect(await store().findById(user.id)).toEqual({
      ...user,
      passwordHash: 'a new hash',
      credentialsVersion: 2,
    });
    expect(await store().findById(other.id)).toEqual(other);
  });

  it('raises the credentials version alone, of this user only', async () => {
    const user = await store().insert(exampleUser());
    const other = await store().insert(exampleUser());
    await store().raiseCredentialsVersion(user.id);
    expect(await store().findById(user.id)).toEqual({ ...user, credentialsVersion: 2 });
    expect(await store().findById(other.id)).toEqual(other);
  });

  it('does not undo a new password by upgrading the hash of the old one', async () => {
    const user = await store().insert(exampleUser());
    await store().setPassword(user.id, 'a new hash');
    await store().upgradeHash(user.id, user.passwordHash, 'a better hash of the old one');
    expect((await store().findById(user.id))?.passwordHash).toBe('a new hash');
  });

  it('upgrades a hash without ending anything', async () => {
    const user = await store().insert(exampleUser());
    await store().upgradeHash(user.id, user.passwordHash, 'a better hash');
    expect(await store().findById(user.id)).toEqual({ ...user, passwordHash: 'a better hash' });
  });

  it('lets one transaction after the other have a user that they lock', async () => {
    const { id } = await store().insert(exampleUser());
    const events: string[] = [];
    const change = (name: string) =>
      transactions().run(async () => {
        events.push(`${name} has version ${(await store().lock(id))?.credentialsVersion}`);
        await delay(50);
        await store().setPassword(id, name);
        events.push(`${name} is done`);
      });
    await Promise.all([change('one'), change('other')]);
    const [first, second] = events[0]!.startsWith('one') ? ['one', 'other'] : ['other', 'one'];
    expect(events).toEqual([
      `${first} has version 1`,
      `${first} is done`,
      `${second} has version 2`,
      `${second} is done`,
    ]);
  });

  it('finds many users by their keys at once, and nobody else', async () => {
    const [one, other] = [await store().insert(exampleUser()), await store().insert(exampleUser())];
    await store().insert(exampleUser());
    const found = await store().findByEmailKeys([one.emailKey, 'nobody@example.com', other.emailKey]);
    expect(found).toHaveLength(2);
    expect(found).toEqual(expect.arrayContaining([one, other]));
    expect(await store().findByEmailKeys([])).toEqual([]);
  });

  it('locks of many users at once only those that are asked for, if any', async () => {
    const [one, other] = [await store().insert(exampleUser()), await store().insert(exampleUser())];
    const locked = await transactions().run(() => store().lockFree([one.id, unknownId]));
    expect([[], [one]]).toContainEqual(locked);
    expect(await transactions().run(() => store().lock(other.id))).toEqual(other);
  });
}
