import { OverloadedError } from '../common';
import { HashLimiter } from './hash-limiter';

describe('HashLimiter', () => {
  afterEach(() => jest.restoreAllMocks());

  it('tells who is refused when those that wait will have had their turn', async () => {
    const limiter = new HashLimiter({ hashConcurrency: 2, hashQueueLimit: 10 });
    let seconds = 0;
    jest.spyOn(performance, 'now').mockImplementation(() => seconds * 1000);
    const takeTwoSeconds = () => Promise.resolve(void (seconds += 2));
    for (let n = 0; n < 50; n++) await limiter.run(takeTwoSeconds);

    let letGo = () => {};
    const held = new Promise<void>((resolve) => (letGo = resolve));
    const admitted = Array.from({ length: 12 }, () => limiter.run(() => held));
    const refusal: unknown = await limiter.run(() => held).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(OverloadedError);
    expect((refusal as OverloadedError).headers).toEqual({ 'Retry-After': '10' });
    letGo();
    await Promise.all(admitted);
  });
});
