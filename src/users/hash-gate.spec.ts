import { OverloadedError } from '../common';
import { HashGate } from './hash-gate';

describe('the gate of hashes', () => {
  afterEach(() => jest.restoreAllMocks());

  it('tells who is refused when those that wait will have had their turn', async () => {
    const gate = new HashGate({ hashConcurrency: 2, hashQueueLimit: 10 });
    let seconds = 0;
    jest.spyOn(performance, 'now').mockImplementation(() => seconds * 1000);
    const takeTwoSeconds = () => Promise.resolve(void (seconds += 2));
    for (let n = 0; n < 50; n++) await gate.pass(takeTwoSeconds);

    let letGo = () => {};
    const held = new Promise<void>((resolve) => (letGo = resolve));
    const admitted = Array.from({ length: 12 }, () => gate.pass(() => held));
    const refusal: unknown = await gate.pass(() => held).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(OverloadedError);
    expect((refusal as OverloadedError).headers).toEqual({ 'Retry-After': '10' });
    letGo();
    await Promise.all(admitted);
  });
});
