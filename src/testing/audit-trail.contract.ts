import { randomUUID } from 'node:crypto';
import { AuditEvent, AuditTrail } from '../audit';
import { secondsAfter, Transactions } from '../common';

const NOW = new Date('2026-01-02T03:04:05.678Z');

function exampleEvent(changes: Partial<AuditEvent> = {}): AuditEvent {
  return {
    id: randomUUID(),
    at: NOW,
    act: 'login',
    outcome: 'failure',
    requestId: randomUUID(),
    userId: randomUUID(),
    source: '2001:db8::1',
    details: { email: 's***@example.com', tries: 3, known: true },
    ...changes,
  };
}

/** What every {@link AuditTrail} promises. */
export function auditTrailContract(trail: () => AuditTrail, transactions: () => Transactions): void {
  const ofRequest = (requestId: string) => trail().find({ requestId, limit: 100 });

  it('gives back an event exactly as it was written', async () => {
    const event = exampleEvent();
    await trail().append([event]);
    expect(await ofRequest(event.requestId)).toEqual([event]);
  });

  it('gives back an event that names nobody and no client', async () => {
    const { userId: _, source: __, ...event } = exampleEvent({ details: {} });
    await trail().append([event]);
    expect(await ofRequest(event.requestId)).toStrictEqual([event]);
  });

  it('keeps an event once, however often it is written', async () => {
    const event = exampleEvent();
    await trail().append([event]);
    const other = exampleEvent({ requestId: event.requestId, at: secondsAfter(NOW, 1) });
    await trail().append([event, other]);
    expect(await ofRequest(event.requestId)).toEqual([other, event]);
  });

  it('writes a thousand events at once, and none', async () => {
    const requestId = randomUUID();
    await trail().append([]);
    await trail().append(Array.from({ length: 1000 }, () => exampleEvent({ requestId })));
    expect(await trail().find({ requestId, limit: 2000 })).toHaveLength(1000);
  });

  it('forgets what a transaction wrote that failed', async () => {
    const event = exampleEvent();
    const failing = transactions().run(async () => {
      await trail().append([event]);
      expect(await ofRequest(event.requestId)).toHaveLength(1);
      throw new Error('a later step failed');
    });
    await expect(failing).rejects.toThrow('a later step failed');
    expect(await ofRequest(event.requestId)).toEqual([]);
  });

  it('finds the events of an account and of its requests, and nobody else’s', async () => {
    const own = exampleEvent();
    const { userId: _, ...ask } = exampleEvent({ requestId: own.requestId, at: secondsAfter(NOW, -1) });
    await trail().append([own, ask, exampleEvent()]);
    expect(await trail().find({ userId: own.userId, limit: 100 })).toEqual([own, ask]);
    expect(await trail().find({ userId: randomUUID(), limit: 100 })).toEqual([]);
  });

  it('takes an account for its own, whatever its id looks like', async () => {
    const [one, other] = [`${randomUUID()}42`, `${randomUUID()}4'`];
    await trail().append([exampleEvent({ userId: one }), exampleEvent({ userId: other })]);
    expect(await trail().find({ userId: one, limit: 100 })).toMatchObject([{ userId: one }]);
    expect(await trail().find({ userId: other, limit: 100 })).toMatchObject([{ userId: other }]);
  });

  it('finds by act and by time, the latest first, and no more than asked for', async () => {
    const requestId = randomUUID();
    const [first, second, third] = [0, 1, 2].map((n) =>
      exampleEvent({ requestId, at: secondsAfter(NOW, n), act: n === 1 ? 'password_changed' : 'login' }),
    ) as [AuditEvent, AuditEvent, AuditEvent];
    await trail().append([second, third, first]);
    expect(await trail().find({ requestId, limit: 2 })).toEqual([third, second]);
    expect(await trail().find({ requestId, limit: 9, since: second.at })).toEqual([third, second]);
    expect(await trail().find({ requestId, limit: 9, act: 'login' })).toEqual([third, first]);
  });

  it('deletes all that is older than a moment, however much it is, and nothing younger', async () => {
    const requestId = randomUUID();
    // Older than everything else in the store, so that nothing else is in the way.
    const bound = new Date('1999-01-01T00:00:00Z');
    const young = exampleEvent({ requestId, at: bound });
    const old = Array.from({ length: 1001 }, (_, n) => exampleEvent({ at: secondsAfter(bound, -1 - n) }));
    await trail().append([young, { ...old[0]!, requestId }, ...old.slice(1)]);
    expect(await trail().deleteExpired(bound)).toBe(old.length);
    expect(await ofRequest(requestId)).toEqual([young]);
    expect(await trail().deleteExpired(bound)).toBe(0);
  });
}
