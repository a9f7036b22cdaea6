import { randomUUID } from 'node:crypto';
import { Session, SessionStore } from '../auth';
import { secondsAfter } from '../common';

const NOW = new Date('2026-01-02T03:04:05.678Z');

function exampleSession(changes: Partial<Session> = {}): Session {
  return {
    id: randomUUID(),
    userId: randomUUID(),
    credentialsVersion: 1,
    createdAt: NOW,
    expiresAt: secondsAfter(NOW, 43_200),
    lastSeenAt: NOW,
    ip: '203.0.113.7',
    userAgent: 'Mozilla/5.0',
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
    const unknownSource = exampleSession({ lastSeenAt: null, ip: null, userAgent: null });
    await store().insert(unknownSource);
    expect(await store().findById(unknownSource.id)).toEqual(unknownSource);
  });

  it('lists the sessions of a user and nobody else’s, latest first', async () => {
    const userId = randomUUID();
    const [first, second, third] = [-30, -10, -20].map((seconds) =>
      exampleSession({ userId, createdAt: secondsAfter(NOW, seconds) }),
    );
    for (const session of [first!, second!, third!, exampleSession()]) await store().insert(session);
    expect(await store().listOf(userId)).toEqual([second, third, first]);
    expect(await store().listOf(randomUUID())).toEqual([]);
  });

  it('notes when one session was last used', async () => {
    const session = exampleSession();
    const other = exampleSession({ userId: session.userId });
    for (const each of [session, other]) await store().insert(each);
    await store().touch(session.id, secondsAfter(NOW, 60));
    expect(await store().findById(session.id)).toEqual({ ...session, lastSeenAt: secondsAfter(NOW, 60) });
    expect(await store().findById(other.id)).toEqual(other);
  });

  it('brings no session back by noting that it was used', async () => {
    const session = exampleSession();
    await store().insert(session);
    await Promise.all([store().delete(session.id), store().touch(session.id, NOW)]);
    await store().touch(session.id, NOW);
    expect(await store().findById(session.id)).toBeUndefined();
    expect(await store().listOf(session.userId)).toEqual([]);
  });

  it('lets exactly one of 20 parallel calls delete a session', async () => {
    const session = exampleSession();
    await store().insert(session);
    const calls = Array.from({ length: 20 }, () => store().delete(session.id));
    expect((await Promise.all(calls)).filter(Boolean)).toHaveLength(1);
  });

  it('removes those that expired before a moment, and no others', async () => {
    const expired = exampleSession({ expiresAt: secondsAfter(NOW, -1) });
    const live = exampleSession({ expiresAt: NOW, userId: expired.userId });
    for (const session of [expired, live]) await store().insert(session);
    expect(await store().deleteExpired(NOW)).toBeGreaterThan(0);
    expect(await store().findById(expired.id)).toBeUndefined();
    expect(await store().listOf(live.userId)).toEqual([live]);
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
    expect(await store().deleteAllOf(first.userId)).toBe(2);
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
    expect(await store().delete(randomUUID())).toBe(false);
    expect(await store().deleteAllOf(randomUUID())).toBe(0);
  });
}
