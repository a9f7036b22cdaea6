import { Logger } from '@nestjs/common';
import { Draining } from '../../src/server/draining';
import { TestApp } from '../support/test-app';

describe('a probe of a process that is not ready', () => {
  let server: TestApp;

  beforeEach(async () => {
    server = await TestApp.start();
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await server.stop();
  });

  it.each<[string, () => void]>([
    [
      'because its database is away',
      () =>
        void jest
          .spyOn(server.database, 'query')
          .mockRejectedValue(Object.assign(new Error('gone'), { code: 'ECONNREFUSED' })),
    ],
    ['because it is about to end', () => (server.app.get(Draining).isDraining = true)],
  ])('%s, is told when to come again, and leaves no line in the log', async (_, happen) => {
    // Of the tests before.
    await server.idle();
    const logged = (['error', 'warn', 'log'] as const).map((level) => jest.spyOn(Logger.prototype, level));
    happen();
    const { body, headers } = await server.http.get('/health/ready').expect(503);
    expect(body).toMatchObject({ status: 503, code: 'UNAVAILABLE' });
    expect(headers).toMatchObject({ 'retry-after': '5', 'cache-control': 'no-store' });
    expect(logged.flatMap(({ mock }) => mock.calls)).toEqual([]);
  });
});
