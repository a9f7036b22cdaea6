import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Transactions } from '../common';
import { Job, JobQueue, QueueDefinition } from '../jobs';

/** The queue that {@link jobQueueContract} uses. */
export const contractQueue: QueueDefinition<{ text: string }> = {
  name: 'contract',
  retryDelaySeconds: 0.1,
  maxRetryDelaySeconds: 0.5,
  giveUpAfterSeconds: 1.5,
  leaseSeconds: 30,
  concurrency: 4,
};

type ContractHandler = (job: Job<{ text: string }>) => Promise<void>;

/**
 * What every {@link JobQueue} promises. The handler must have been given to the queue before the application started:
 * `queue.work(contractQueue, (job) => handler(job), (job) => onGivenUp(job))`.
 */
export function jobQueueContract(
  queue: () => JobQueue,
  transactions: () => Transactions,
  onJob: (handler: ContractHandler, onGivenUp?: ContractHandler) => void,
): void {
  let handled: Job<{ text: string }>[];

  beforeEach(() => {
    handled = [];
    onJob((job) => Promise.resolve(void handled.push(job)));
  });

  const texts = () => handled.map(({ data }) => data.text);
  const until = async (condition: () => boolean) => {
    for (let tries = 0; !condition(); tries++) {
      if (tries === 1000) throw new Error(`This did not come true: ${condition.toString()}`);
      await delay(20);
    }
  };
  /** Jobs are handled in order of their arrival, so when this one is done, an earlier one would be. */
  const untilOneMore = async () => {
    const marker = randomUUID();
    await queue().enqueue(contractQueue, { text: marker });
    await until(() => texts().includes(marker));
    return texts().filter((text) => text !== marker);
  };

  it('hands a job to the handler once', async () => {
    await queue().enqueue(contractQueue, { text: 'hello' });
    await until(() => texts().includes('hello'));
    expect(await untilOneMore()).toEqual(['hello']);
  });

  it('never runs a job whose transaction was rolled back', async () => {
    const failing = transactions().run(async () => {
      await queue().enqueue(contractQueue, { text: 'never' });
      throw new Error('changed my mind');
    });
    await expect(failing).rejects.toThrow('changed my mind');
    expect(await untilOneMore()).toEqual([]);
  });

  it('runs a job after its transaction has been committed', async () => {
    await transactions().run(async () => {
      await queue().enqueue(contractQueue, { text: 'committed' });
      expect(texts()).toEqual([]);
    });
    await until(() => texts().includes('committed'));
  });

  it('swallows a second job with the same key, and says so', async () => {
    const uniqueKey = randomUUID();
    const added = [
      await queue().enqueue(contractQueue, { text: 'first' }, { uniqueKey }),
      await queue().enqueue(contractQueue, { text: 'second' }, { uniqueKey }),
      await queue().enqueue(contractQueue, { text: 'other' }, { uniqueKey: randomUUID() }),
      await queue().enqueue(contractQueue, { text: 'without a key' }),
    ];
    expect(added).toEqual([true, false, true, true]);
    await until(() => texts().includes('other'));
    expect((await untilOneMore()).sort()).toEqual(['first', 'other', 'without a key']);
  });

  it('begins jobs in the order in which they were added', async () => {
    const all = Array.from({ length: 20 }, (_, n) => `${n}`);
    for (const text of all) await queue().enqueue(contractQueue, { text });
    await until(() => handled.length === all.length);
    expect(texts()).toEqual(all);
  });

  it('adds jobs of the same moment, each with an answer of its own', async () => {
    const uniqueKey = randomUUID();
    const added = await Promise.all([
      queue().enqueue(contractQueue, { text: 'first' }, { uniqueKey }),
      queue().enqueue(contractQueue, { text: 'second' }, { uniqueKey }),
      queue().enqueue(contractQueue, { text: 'third' }),
    ]);
    // Of two with one key, either.
    const winner = added[0] ? 'first' : 'second';
    expect(added).toEqual([winner === 'first', winner === 'second', true]);
    expect((await untilOneMore()).sort()).toEqual([winner, 'third']);
  });

  it('swallows a key whose job is done', async () => {
    const uniqueKey = randomUUID();
    await queue().enqueue(contractQueue, { text: 'first' }, { uniqueKey });
    await until(() => texts().includes('first'));
    expect(await untilOneMore()).toEqual(['first']);
    expect(await queue().enqueue(contractQueue, { text: 'second' }, { uniqueKey })).toBe(false);
    expect(await untilOneMore()).not.toContain('second');
  });

  it('tries a failed job again, under the same id, which is a UUID', async () => {
    const ids: string[] = [];
    onJob((job) => {
      ids.push(job.id);
      if (ids.length === 1) return Promise.reject(new Error('not yet'));
      return Promise.resolve(void handled.push(job));
    });
    await queue().enqueue(contractQueue, { text: 'stubborn' });
    await until(() => texts().includes('stubborn'));
    expect(ids).toEqual([handled[0]!.id, handled[0]!.id]);
    expect(ids[0]).toMatch(/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/);
  });

  it('swallows no key that was only used in a transaction that was rolled back', async () => {
    const uniqueKey = randomUUID();
    const failing = transactions().run(async () => {
      await queue().enqueue(contractQueue, { text: 'never' }, { uniqueKey });
      throw new Error('changed my mind');
    });
    await expect(failing).rejects.toThrow('changed my mind');
    expect(await queue().enqueue(contractQueue, { text: 'now' }, { uniqueKey })).toBe(true);
    await until(() => texts().includes('now'));
    expect(await untilOneMore()).toEqual(['now']);
  });

  it('gives a job up in the end, says so, and lets it hold up no other meanwhile', async () => {
    let tries = 0;
    let givenUp: string[] = [];
    onJob(
      (job) => {
        if (job.data.text === 'bad') return Promise.reject(new Error(`try ${++tries}`));
        return Promise.resolve(void handled.push(job));
      },
      ({ data }) => Promise.resolve(void (givenUp = [...givenUp, data.text])),
    );
    await queue().enqueue(contractQueue, { text: 'bad' });
    await queue().enqueue(contractQueue, { text: 'good' });
    await until(() => texts().includes('good'));
    await until(() => givenUp.length > 0);
    const triesInAll = tries;
    expect(triesInAll).toBeGreaterThan(2);
    await untilOneMore();
    expect([tries, givenUp]).toEqual([triesInAll, ['bad']]);
  });
}
