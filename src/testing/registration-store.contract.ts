import { randomUUID } from 'node:crypto';
import { secondsAfter, Transactions } from '../common';
import { Registration, RegistrationStore } from '../registration';

const NOW = new Date('2026-01-02T03:04:05.678Z');

function exampleRegistration(changes: Partial<Registration> = {}): Registration {
  const name = randomUUID();
  return {
    id: randomUUID(),
    email: `Susan.${name}@example.com`,
    emailKey: `susan.${name}@example.com`,
    username: 'Susan',
    locale: 'zh-TW',
    passwordHash: 'a hash',
    userId: null,
    createdAt: NOW,
    mailedAt: null,
    usedAt: null,
    ...changes,
  };
}

/** What every {@link RegistrationStore} promises. */
export function registrationStoreContract(
  store: () => RegistrationStore,
  transactions: () => Transactions,
): void {
  const insert = async (changes: Partial<Registration> = {}) => {
    const registration = exampleRegistration(changes);
    await store().insert(registration);
    return registration;
  };

  it('lets exactly one of 20 parallel calls spend an attempt, and wipes its password', async () => {
    const registration = await insert();
    const spends = Array.from({ length: 20 }, () => store().spend(registration.id, NOW));
    expect((await Promise.all(spends)).filter(Boolean)).toHaveLength(1);
    expect(await store().findById(registration.id)).toEqual({
      ...registration,
      usedAt: NOW,
      passwordHash: null,
    });
  });

  it('lets exactly one of 20 parallel transactions spend an attempt', async () => {
    const { id } = await insert();
    const spends = Array.from({ length: 20 }, () => transactions().run(() => store().spend(id, NOW)));
    expect((await Promise.all(spends)).filter(Boolean)).toHaveLength(1);
  });

  it('gives an attempt back when the transaction that spent it fails', async () => {
    const registration = await insert();
    const failing = transactions().run(async () => {
      expect(await store().spend(registration.id, NOW)).toBe(true);
      throw new Error('a later step failed');
    });
    await expect(failing).rejects.toThrow('a later step failed');
    expect(await store().findById(registration.id)).toEqual(registration);
  });

  it('spends nothing that is used, discarded, or not there', async () => {
    const used = await insert({ usedAt: NOW });
    const discarded = await insert();
    await store().discard(discarded.id);
    for (const id of [used.id, discarded.id, randomUUID()]) expect(await store().spend(id, NOW)).toBe(false);
    expect(await store().findById(used.id)).toEqual(used);
    expect(await store().findById(discarded.id)).toEqual({ ...discarded, passwordHash: null });
    expect(await store().findById(randomUUID())).toBeUndefined();
  });

  it('discards every attempt for an account and nobody else’s', async () => {
    const [one, other] = [await insert({ userId: '42' }), await insert({ userId: '42' })];
    const foreign = [await insert({ userId: '4' }), await insert()];
    await store().discardAllOf('42');
    for (const registration of [one, other])
      expect(await store().findById(registration.id)).toEqual({ ...registration, passwordHash: null });
    for (const registration of foreign) expect(await store().findById(registration.id)).toEqual(registration);
  });

  it('marks one attempt as mailed, with the account that its link confirms', async () => {
    const [registration, other] = [await insert(), await insert()];
    await store().markMailed(registration.id, NOW, '42');
    expect(await store().findById(registration.id)).toEqual({ ...registration, mailedAt: NOW, userId: '42' });
    expect(await store().findById(other.id)).toEqual(other);
  });

  it('removes the attempts before a moment, and no other', async () => {
    const century = new Date('1926-01-02T03:04:05.678Z');
    const [old, kept] = [
      await insert({ createdAt: secondsAfter(century, -1) }),
      await insert({ createdAt: century }),
    ];
    expect(await store().deleteExpired(century)).toBe(1);
    expect(await store().findById(old.id)).toBeUndefined();
    expect(await store().findById(kept.id)).toEqual(kept);
    expect(await store().deleteExpired(secondsAfter(century, 1))).toBe(1);
  });

  it('finds many attempts at once', async () => {
    const [one, other] = [await insert(), await insert()];
    await insert();
    const found = await store().findByIds([one.id, randomUUID(), other.id]);
    expect(found).toHaveLength(2);
    expect(found).toEqual(expect.arrayContaining([one, other]));
  });

  it('discards of many attempts at once none about which a mail has gone out, and no other', async () => {
    const [one, discarded, mailed] = [
      await insert(),
      await insert({ passwordHash: null }),
      await insert({ mailedAt: NOW, userId: randomUUID() }),
    ];
    const other = await insert();
    const ids = await store().discardUnmailed([one.id, discarded.id, mailed.id]);
    expect([[], [one.id]]).toContainEqual(ids);
    expect(await store().findById(one.id)).toEqual(ids.length > 0 ? { ...one, passwordHash: null } : one);
    for (const each of [mailed, other]) expect(await store().findById(each.id)).toEqual(each);
  });
}
