import { Logger } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { Server } from 'node:http';
import { AuditTrail } from '../../src/audit';
import { AuditRecorder } from '../../src/audit/audit-recorder';
import {
  RecordedSecurityEvent,
  secondsAfter,
  SecurityEvent,
  SecurityEvents,
  Transactions,
} from '../../src/common';
import { Housekeeping } from '../../src/jobs';
import { PASSWORD, TestApp } from '../support/test-app';
import { until } from '../support/mail-reader';

/** An event that no flow of ours makes with this detail, to be found again by it. */
const example = (mark: string, changes: Partial<SecurityEvent> = {}): SecurityEvent => ({
  act: 'login',
  outcome: 'failure',
  ...changes,
  details: { mark, ...changes.details },
});

describe('the record of events', () => {
  let server: TestApp;

  beforeAll(async () => {
    server = await TestApp.start();
  });
  afterAll(() => server.stop());
  afterEach(() => jest.restoreAllMocks());

  const record = (event: SecurityEvent, { app } = server) => app.get(SecurityEvents).record(event);
  const marked = (mark: string) =>
    server.database.query<(RecordedSecurityEvent & { request_id: string })[]>(
      `SELECT * FROM latchkey.audit_events WHERE details ->> 'mark' = $1 ORDER BY at`,
      [mark],
    );
  const logged = (level: 'error' | 'warn' | 'log') => {
    const spy = jest.spyOn(Logger.prototype, level).mockImplementation(() => undefined);
    return () => spy.mock.calls.map(([message]) => String(message));
  };

  it('stands or falls with the act when they share a transaction', async () => {
    const [kept, dropped] = [randomUUID(), randomUUID()];
    const transactions = server.app.get(Transactions);
    await transactions.run(() => record(example(kept)));
    expect(await marked(kept)).toHaveLength(1);
    const failing = transactions.run(async () => {
      await record(example(dropped));
      throw new Error('a later step failed');
    });
    await expect(failing).rejects.toThrow('a later step failed');
    await server.app.get(AuditRecorder).flush();
    expect(await marked(dropped)).toEqual([]);
  });

  it('fails the act that cannot be recorded in its transaction', async () => {
    await withoutTable(server, async () => {
      const work = server.app.get(Transactions).run(() => record(example(randomUUID())));
      await expect(work).rejects.toThrow('audit_events');
    });
  });

  it('outside of a transaction follows by itself, and costs the request no statement', async () => {
    const mark = randomUUID();
    const query = jest.spyOn(server.database, 'query');
    await record(example(mark));
    expect(query).not.toHaveBeenCalled();
    query.mockRestore();
    await until(async () => (await marked(mark)).length === 1, 'the event');
  });

  it('loses nothing while the table is away, writes each event once, and says so once', async () => {
    const mark = randomUUID();
    const [warned, told] = [logged('warn'), logged('log')];
    await withoutTable(server, async () => {
      for (let n = 0; n < 1200; n++) await record(example(mark, { details: { n } }));
      for (const _ of ['once', 'twice', 'thrice']) await server.app.get(AuditRecorder).flush();
    });
    await until(async () => (await marked(mark)).length >= 1200, 'the events');
    const numbers = (await marked(mark)).map(({ details }) => Number(details['n']));
    expect(numbers.sort((a, b) => a - b)).toEqual(Array.from({ length: 1200 }, (_, n) => n));
    expect(warned().filter((line) => line.includes('cannot be written'))).toHaveLength(1);
    expect(told().filter((line) => line === 'events are written again')).toHaveLength(1);
  });

  it('drops the oldest of too many that wait, and tells how many', async () => {
    const mark = randomUUID();
    const errors = logged('error');
    logged('warn');
    logged('log');
    await withoutTable(server, async () => {
      for (let n = 0; n < 10_003; n++) await record(example(mark, { details: { n } }));
    });
    await until(async () => (await marked(mark)).length === 10_000, 'the events');
    const numbers = (await marked(mark)).map(({ details }) => Number(details['n']));
    expect(Math.min(...numbers)).toBe(3);
    expect(errors()).toEqual([
      'more than 10000 events wait: the oldest are dropped',
      '3 events were dropped and are in the log only',
    ]);
  });

  it('writes what still waits when the server stops', async () => {
    const mark = randomUUID();
    const other = await TestApp.start();
    await record(example(mark), other);
    await other.stop();
    expect(await marked(mark)).toHaveLength(1);
  });

  it('is written for a request that the stop finds under way', async () => {
    const domain = `${randomUUID()}.example`;
    const other = await TestApp.start({ settings: { bcryptCost: 12 } });
    const arrived = once(other.app.getHttpServer() as Server, 'request');
    const answer = other.login(`susan@${domain}`, PASSWORD).then(({ status }) => status);
    await arrived;
    await other.stop();
    expect(await answer).toBe(401);
    const events = `SELECT act FROM latchkey.audit_events WHERE details ->> 'email' = $1`;
    expect(await server.database.query(events, [`s***@${domain}`])).toEqual([{ act: 'login' }]);
  });

  it('is removed when it is older than the retention, and not a second before', async () => {
    const [old, young] = [randomUUID(), randomUUID()];
    const day = 86_400;
    server.clock.advance(-365 * day - 5);
    await record(example(old));
    server.clock.advance(365 * day + 5);
    server.clock.advance(-365 * day + 60);
    await record(example(young));
    server.clock.advance(365 * day - 60);
    await server.app.get(AuditRecorder).flush();
    expect(await marked(old)).toHaveLength(1);
    await server.app.get(Housekeeping).run();
    expect(await marked(old)).toEqual([]);
    expect(await marked(young)).toHaveLength(1);
  });

  it('keeps the last 24 hours by the clock of the database, whatever moment it is given', async () => {
    const [old, young] = [randomUUID(), randomUUID()];
    const insert = `INSERT INTO latchkey.audit_events (id, at, act, outcome, request_id, details)
      VALUES ($1::text::uuid, now() - $2::interval, 'login', 'failure', '', jsonb_build_object('mark', $1))`;
    await server.database.query(insert, [old, '24 hours 1 minute']);
    await server.database.query(insert, [young, '23 hours 59 minutes']);
    const inAYear = secondsAfter(new Date(), 365 * 86_400);
    expect(await server.app.get(AuditTrail).deleteExpired(inAYear)).toBeGreaterThan(0);
    expect(await marked(old)).toEqual([]);
    expect(await marked(young)).toHaveLength(1);
  });

  it('masks addresses, and takes nothing that forges a line or breaks the table', async () => {
    const mark = randomUUID();
    const hostile = 'x@exa\r\nmple.com\u0000\u001b[2J\ud800\u202e"}';
    await record(example(mark, { email: `susan${hostile}`, source: { ip: '::1\n', userAgent: 'not kept' } }));
    await server.app.get(AuditRecorder).flush();
    const [event] = await marked(mark);
    expect(event).toMatchObject({ source: '::1?' });
    expect(event!.details['email']).toBe('s***@exa??mple.com??[2J??"}');
    expect(JSON.stringify(event)).not.toMatch(/susan|not kept/);
  });
});

/** Does something while events cannot be written, as after a failed migration. */
async function withoutTable({ database }: TestApp, work: () => Promise<void>): Promise<void> {
  await database.query('ALTER TABLE latchkey.audit_events RENAME TO audit_events_away');
  try {
    await work();
  } finally {
    await database.query('ALTER TABLE latchkey.audit_events_away RENAME TO audit_events');
  }
}
