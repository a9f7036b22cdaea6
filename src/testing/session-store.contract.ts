import { randomUUID } from 'node:crypto';
import { Session, SessionStore } from '../auth';

function exampleSession(changes: Partial<Session> = {}): Session {
  return {
    id: randomUUID(),
    userId: randomUUID(),
    credentialsVersion: 1,
    createdAt: new Date('2026-01-02T03:04:05.678Z'),
    expiresAt: new Date('2026-01-02T15:04:05.678Z'),
    ...changes,
  };
}

/** What every {@link SessionStore} promises. */
export function sessionStoreContract(store: () => SessionStore): void {
  it('gives back a session exactly as it was stored', async () => {
    const session = exampleSession();
    await store().insert(session);
    expect(await store().findById(session.id)).toEqual(session);
    expect(await store().findById(randomUUID())).toBeUndefined();
  });

  it('deletes one session and leaves the others', async () => {
    const first = exampleSession();
    const second = exampleSession({ userId: first.userId });
    await store().insert(first);
    await store().insert(second);
    await store().delete(first.id);
    expect(await store().findById(first.id)).toBeUndefined();
    expect(await store().findById(second.id)).toEqual(second);
  });

  it('deletes all sessions of a user and nobody else’s', async () => {
    const first = exampleSession();
    const second = exampleSession({ userId: first.userId });
    const foreign = exampleSession();
    for (const session of [first, second, foreign]) await store().insert(session);
    await store().deleteAllOf(first.userId);
    expect(await store().findById(first.id)).toBeUndefined();
    expect(await store().findById(second.id)).toBeUndefined();
    expect(await store().findById(foreign.id)).toEqual(foreign);
  });

  it('takes an account for its own, whatever its id looks like', async () => {
    const [one, other] = [exampleSession({ userId: '42' }), exampleSession({ userId: '4' })];
    for (const session of [one, other]) await store().insert(session);
    await store().deleteAllOf(other.userId);
    expect(await store().findById(one.id)).toEqual(one);
    expect(await store().findById(other.id)).toBeUndefined();
  });

  it('finds nothing to delete without an error', async () => {
    await store().delete(randomUUID());
    await store().deleteAllOf(randomUUID());
  });
}
