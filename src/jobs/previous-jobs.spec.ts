import { Test, TestingModule } from '@nestjs/testing';
import { randomUUID } from 'node:crypto';
import { DataSource } from 'typeorm';
import { DatabaseModule, TypeOrmTransactions } from '../database';
import { PreviousJobs } from './previous-jobs';
import { sqlOf } from './run-sql';

/** What pg-boss 10 made in version 0.1, as far as jobs are concerned. */
const PREVIOUS_SCHEMA = `
  CREATE SCHEMA latchkey_jobs;
  CREATE TYPE latchkey_jobs.job_state AS ENUM ('created', 'retry', 'active', 'completed', 'cancelled', 'failed');
  CREATE TABLE latchkey_jobs.job (
    id uuid NOT NULL DEFAULT gen_random_uuid(), name text NOT NULL, priority integer NOT NULL DEFAULT 0, data jsonb,
    state latchkey_jobs.job_state NOT NULL DEFAULT 'created', retry_count integer NOT NULL DEFAULT 0,
    start_after timestamptz NOT NULL DEFAULT now(), started_on timestamptz, expire_in interval NOT NULL DEFAULT '30 seconds',
    created_on timestamptz NOT NULL DEFAULT now(), completed_on timestamptz, output jsonb
  ) PARTITION BY LIST (name);
  CREATE TABLE latchkey_jobs.jobs_of_mail PARTITION OF latchkey_jobs.job FOR VALUES IN ('previous-mail');
  CREATE TABLE latchkey_jobs.jobs_of_others PARTITION OF latchkey_jobs.job FOR VALUES IN ('__pgboss__send-it');
  ALTER TABLE latchkey_jobs.jobs_of_mail ADD PRIMARY KEY (name, id)`;

describe('the jobs of the previous version', () => {
  let module: TestingModule;
  let database: DataSource;
  let previous: PreviousJobs;

  beforeAll(async () => {
    module = await Test.createTestingModule({
      imports: [DatabaseModule.forRoot({ url: process.env['TEST_DATABASE_URL']! })],
    }).compile();
    await module.init();
    database = module.get(DataSource);
  });
  beforeEach(async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
    previous = new PreviousJobs(
      sqlOf(module.get(TypeOrmTransactions)),
      new Map([['previous-mail', undefined]]),
    );
    for (const statement of PREVIOUS_SCHEMA.split(';')) await database.query(statement);
  });
  afterEach(async () => {
    jest.useRealTimers();
    await previous.stop();
    await database.query('DROP SCHEMA IF EXISTS latchkey_jobs CASCADE');
    await database.query(`DELETE FROM latchkey.jobs WHERE queue = 'previous-mail'`);
  });
  afterAll(() => module.close());

  /** A job as that version stored it. @returns its id */
  async function add(state: string, columns: Record<string, string> = {}): Promise<string> {
    const id = randomUUID();
    const all = { name: `'previous-mail'`, state: `'${state}'`, ...columns };
    await database.query(
      `INSERT INTO latchkey_jobs.job (id, data, ${Object.keys(all).join(', ')}) VALUES ($1, $2, ${Object.values(all).join(', ')})`,
      [id, { requestId: 'some-request', data: { to: 'susan@example.com' } }],
    );
    return id;
  }

  const moved = () =>
    database.query<{ id: string }[]>(
      `SELECT id, state, data, request_id, tries, last_error, due_at <= now() AS due, extract(epoch FROM now() - added_at)::int AS age
       FROM latchkey.jobs WHERE queue = 'previous-mail' ORDER BY added_at`,
    );

  const leftBehind = async () => {
    const rows = await database.query<{ id: string }[]>('SELECT id FROM latchkey_jobs.job');
    return rows.map(({ id }) => id);
  };

  it('are moved with their data, age and tries: those that wait, that are dead, and whose worker has died', async () => {
    const ids = [
      await add('failed', {
        retry_count: '25',
        started_on: 'now()',
        completed_on: 'now()',
        created_on: `now() - interval '3 hours'`,
        output: `'{"error":"451"}'`,
      }),
      await add('active', {
        started_on: `now() - interval '31 seconds'`,
        created_on: `now() - interval '2 hours'`,
      }),
      await add('retry', {
        started_on: 'now()',
        start_after: `now() + interval '1 hour'`,
        created_on: `now() - interval '1 hour'`,
        output: `'{"error":"421"}'`,
      }),
      await add('created'),
    ];
    await previous.start();
    const same = { data: { to: 'susan@example.com' }, request_id: 'some-request' };
    expect(await moved()).toMatchObject([
      { id: ids[0], ...same, state: 'dead', tries: 26, last_error: '451', due: true, age: 10_800 },
      { id: ids[1], ...same, state: 'waiting', tries: 1, last_error: null, due: true, age: 7_200 },
      { id: ids[2], ...same, state: 'waiting', tries: 1, last_error: '421', due: false, age: 3_600 },
      { id: ids[3], ...same, state: 'waiting', tries: 0, last_error: null, due: true, age: 0 },
    ]);
    expect(await leftBehind()).toEqual([]);
  });

  it('stay where they are done, with a worker of that version, or of a queue that this process does not handle', async () => {
    const ids = [
      await add('completed'),
      await add('cancelled'),
      await add('active', { started_on: 'now()' }),
      await add('created', { name: `'__pgboss__send-it'` }),
    ];
    await previous.start();
    expect(await moved()).toEqual([]);
    expect((await leftBehind()).sort()).toEqual(ids.sort());
  });

  it('are moved as long as a process of that version adds some', async () => {
    await previous.start();
    const id = await add('created');
    jest.advanceTimersByTime(10_000);
    await previous.stop();
    expect(await moved()).toMatchObject([{ id }]);
  });

  it('are no longer asked for where there are none and never will be', async () => {
    await database.query('DROP SCHEMA latchkey_jobs CASCADE');
    const log = jest.spyOn(database.logger, 'logQuery');
    await previous.start();
    jest.advanceTimersByTime(60_000);
    await previous.stop();
    expect(log).toHaveBeenCalledTimes(1);
    log.mockRestore();
  });

  it('are moved once, by however many processes at the same moment', async () => {
    const ids = await Promise.all(Array.from({ length: 20 }, () => add('created')));
    const others = Array.from(
      { length: 3 },
      () => new PreviousJobs(sqlOf(module.get(TypeOrmTransactions)), new Map([['previous-mail', undefined]])),
    );
    await Promise.all([previous, ...others].map((one) => one.start()));
    expect((await moved()).map(({ id }) => id).sort()).toEqual(ids.sort());
    await Promise.all(others.map((one) => one.stop()));
  });
});
