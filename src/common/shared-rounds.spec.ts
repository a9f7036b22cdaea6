import { SharedRounds } from './shared-rounds';

describe('rounds that callers share', () => {
  it('take those of one turn together, and those that come meanwhile in the next', async () => {
    const rounds: number[][] = [];
    const shared = new SharedRounds((inputs: readonly number[]) => {
      rounds.push([...inputs]);
      return Promise.resolve(inputs.map((input) => input * 2));
    });
    const first = [shared.do(1), shared.do(2)];
    const later = first[0]!.then(() => Promise.all([shared.do(3), shared.do(4)]));
    expect(await Promise.all(first)).toEqual([2, 4]);
    expect(await later).toEqual([6, 8]);
    expect(rounds).toEqual([
      [1, 2],
      [3, 4],
    ]);
  });

  it('refuse those that have waited too long for a round that does not end, and go on when it has', async () => {
    let end: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (end = resolve));
    const work = jest.fn(async (inputs: readonly string[]) => {
      if (inputs.includes('held')) await held;
      return inputs;
    });
    const shared = new SharedRounds(work, { patienceMs: 20 });
    const first = shared.do('held');
    await new Promise(setImmediate);
    const refused = [shared.do('second'), shared.do('third')];
    await Promise.all(refused.map((one) => expect(one).rejects.toMatchObject({ code: 'ETIMEDOUT' })));
    const waiting = shared.do('fourth');
    end();
    expect(await Promise.all([first, waiting])).toEqual(['held', 'fourth']);
    expect(work.mock.calls).toEqual([[['held']], [['fourth']]]);
  });

  it('refuse those that wait when a round fails after too long: they would wait as long', async () => {
    let fail: () => void = () => undefined;
    const held = new Promise<never>((_, reject) => (fail = () => reject(new Error('no answer'))));
    const work = jest.fn(() => held);
    const shared = new SharedRounds<string, string>(work, { patienceMs: 20 });
    const first = expect(shared.do('first')).rejects.toThrow('no answer');
    await new Promise(setImmediate);
    await expect(shared.do('second')).rejects.toMatchObject({ code: 'ETIMEDOUT' });
    const third = expect(shared.do('third')).rejects.toMatchObject({ code: 'ETIMEDOUT' });
    fail();
    await Promise.all([first, third]);
    expect(work).toHaveBeenCalledTimes(1);
  });
});
