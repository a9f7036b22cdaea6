import { Test, TestingModule } from '@nestjs/testing';
import { DataSource } from 'typeorm';
import { DatabaseModule, TypeOrmTransactions } from '../database';
import { JobLeases, LeasedJob } from './job-leases';
import { JobQueue } from './job-queue';
import { JobsModule } from './jobs.module';
import { PROMPT_RETRIES } from './retry-delay';
import { sqlOf } from './run-sql';

type Data = { text: string };

const queue = { name: 'lease-contract', ...PROMPT_RETRIES, concurrency: 5 };

/** In the embedded database, a transaction has everything to itself. */
const itOnServer = process.env['DATABASE_URL'] ? it : it.skip;

/** What a job's row says that its next worker depends on. */
interface StoredRow {
  state: string;
  claim: number;
  leaseUntil: Date | null;
  dueAt: Date;
}

// A fake would only repeat what we believe of the statements.
describe('leases in PostgreSQL', () => {
  let module: TestingModule;
  let database: DataSource;
  let leases: JobLeases<Data>;

  beforeAll(async () => {
    module = await Test.createTestingModule({
      imports: [
        DatabaseModule.forRoot({ url: process.env['TEST_DATABASE_URL']! }),
        JobsModule.forRoot({ work: true, startDelayMs: 0 }),
      ],
    }).compile();
    await module.init();
    database = module.get(DataSource);
    leases = new JobLeases<Data>(queue, sqlOf(module.get(TypeOrmTransactions)));
  });

  beforeEach(() => database.query('DELETE FROM latchkey.jobs WHERE queue = $1', [queue.name]));

  afterAll(async () => {
    await database.query('DELETE FROM latchkey.jobs WHERE queue = $1', [queue.name]);
    await module.close();
  });

  const idsOf = (jobs: readonly { id: string }[]) => jobs.map(({ id }) => id);

  /** @returns its id */
  const add = async (text = 'hello'): Promise<string> => {
    await module.get(JobQueue).enqueue(queue, { text });
    const newest = 'SELECT id FROM latchkey.jobs WHERE queue = $1 ORDER BY added_at DESC LIMIT 1';
    return (await database.query<[{ id: string }]>(newest, [queue.name]))[0].id;
  };

  const take = async (): Promise<LeasedJob<Data>> => {
    const [job] = await leases.take(1, 1);
    expect(job).toBeDefined();
    return job!;
  };

  const rowOf = async (id: string): Promise<StoredRow | undefined> => {
    const [row] = await database.query<StoredRow[]>(
      'SELECT state, claim, lease_until AS "leaseUntil", due_at AS "dueAt" FROM latchkey.jobs WHERE id = $1',
      [id],
    );
    return row;
  };

  /** As if so much time had passed since the lease began, or was last renewed. */
  const letPass = (seconds: number, id: string) =>
    database.query(
      'UPDATE latchkey.jobs SET lease_until = lease_until - make_interval(secs => $2) WHERE id = $1',
      [id, seconds],
    );

  const letWaitNoLonger = (id: string) =>
    database.query('UPDATE latchkey.jobs SET due_at = now() WHERE id = $1', [id]);

  /** A takes a job, its lease ends, and B takes the job. */
  const handOver = async () => {
    const id = await add();
    const ofA = await take();
    await letPass(queue.leaseSeconds + 1, id);
    expect(await leases.reclaimExpired()).toMatchObject([{ id, givenUp: false, data: { text: 'hello' } }]);
    const ofB = await take();
    expect(ofB.claim).toBeGreaterThan(ofA.claim);
    return { id, ofA, ofB };
  };

  it('gives a job to one worker at a time', async () => {
    const id = await add();
    const taken = (await Promise.all([1, 2, 3].map(() => leases.take(1, 1)))).flat();
    expect(idsOf(taken)).toEqual([id]);
  });

  it('gives the oldest first, and first tries apart from those that have failed', async () => {
    const failed = await add('failed');
    await leases.retryLater(await take(), 0, 'late');
    const [first, second, third] = [await add('first'), await add('second'), await add('third')];
    expect(idsOf(await leases.take(2, 0))).toEqual([first, second]);
    expect(await leases.take(0, 0)).toEqual([]);
    expect(await leases.take(0, 9)).toMatchObject([{ id: failed, tries: 1, data: { text: 'failed' } }]);
    expect(await leases.take(9, 9)).toMatchObject([{ id: third, tries: 0, data: { text: 'third' } }]);
  });

  it('takes back no job whose lease has not ended', async () => {
    const id = await add();
    await take();
    await letPass(queue.leaseSeconds - 1, id);
    expect(await leases.reclaimExpired()).toEqual([]);
  });

  it('prolongs a lease by its whole length from now', async () => {
    const id = await add();
    const job = await take();
    await letPass(queue.leaseSeconds - 1, id);
    await leases.renew([job]);
    await letPass(queue.leaseSeconds - 1, id);
    expect(await leases.reclaimExpired()).toEqual([]);
    await letPass(2, id);
    expect(await leases.reclaimExpired()).toMatchObject([{ id }]);
  });

  it('prolongs only the leases of the jobs that are named', async () => {
    const [first, second] = [await add('first'), await add('second')];
    const jobs = await leases.take(2, 2);
    for (const id of [first, second]) await letPass(queue.leaseSeconds + 1, id);
    await leases.renew(jobs.filter(({ id }) => id === first));
    expect(await leases.reclaimExpired()).toMatchObject([{ id: second }]);
  });

  it.each<[string, (job: LeasedJob<Data>) => Promise<unknown>]>([
    ['completes it', (job) => leases.complete([job])],
    ['renews its lease', (job) => leases.renew([job])],
    ['releases it', (job) => leases.release([job])],
    ['puts it off', (job) => leases.retryLater(job, 60, 'late')],
  ])('changes nothing when a worker that has lost a job %s', async (_, act) => {
    const { id, ofA } = await handOver();
    const before = await rowOf(id);
    await act(ofA);
    expect(await rowOf(id)).toEqual(before);
  });

  it('lets the present holder settle what an earlier one has lost', async () => {
    const { id, ofA, ofB } = await handOver();
    await leases.complete([ofA]);
    await leases.complete([ofB]);
    expect(await rowOf(id)).toBeUndefined();
  });

  it('lets nobody settle a job twice', async () => {
    const id = await add();
    const job = await take();
    await leases.retryLater(job, 60, 'late');
    const waiting = await rowOf(id);
    await leases.complete([job]);
    await leases.release([job]);
    expect(await rowOf(id)).toEqual(waiting);
  });

  it('keeps a job that was put off until its time has come', async () => {
    const id = await add();
    expect(await leases.retryLater(await take(), 60, 'ETIMEDOUT')).toBe(false);
    expect(await leases.take(1, 1)).toEqual([]);
    await letWaitNoLonger(id);
    expect((await take()).id).toBe(id);
  });

  it('gives a released job to the next worker at once', async () => {
    const id = await add();
    await leases.release([await take()]);
    expect((await take()).id).toBe(id);
  });

  it('gives a job up by its age, however it fails', async () => {
    const [failing, lost] = [await add('failing'), await add('lost')];
    const jobs = await leases.take(2, 2);
    await database.query(
      'UPDATE latchkey.jobs SET added_at = added_at - make_interval(secs => $2) WHERE queue = $1',
      [queue.name, queue.giveUpAfterSeconds],
    );
    const job = jobs.find(({ id }) => id === failing)!;
    expect(await leases.retryLater(job, 0, 'ETIMEDOUT')).toBe(true);
    await letPass(queue.leaseSeconds + 1, lost);
    expect(await leases.reclaimExpired()).toMatchObject([{ id: lost, givenUp: true }]);
    expect(await leases.take(2, 2)).toEqual([]);
  });

  it('keeps nothing of a job that is done', async () => {
    const id = await add('a person');
    await leases.complete([await take()]);
    expect(await rowOf(id)).toBeUndefined();
  });

  itOnServer(
    'waits for no job that is being settled: two that lock the same jobs never wait in a circle',
    async () => {
      const [held, free] = [await add('held'), await add('free')];
      const jobs = await leases.take(2, 0);
      for (const id of [held, free]) await letPass(queue.leaseSeconds + 1, id);
      const runner = database.createQueryRunner();
      await runner.startTransaction();
      await runner.query('DELETE FROM latchkey.jobs WHERE id = $1', [held]);
      await leases.renew(jobs);
      expect(await leases.reclaimExpired()).toEqual([]);
      await leases.release(jobs);
      expect((await rowOf(free))?.state).toBe('waiting');
      await runner.rollbackTransaction();
      await runner.release();
      expect((await rowOf(held))?.state).toBe('active');
    },
  );
});
