import { once } from 'node:events';
import { connect } from 'node:net';
import { Logger } from '@nestjs/common';
import { RecordedSecurityEvent, SecurityEvents } from '../../src/common';
import { until } from '../support/mail-reader';
import { AdapterName, TestApp } from '../support/test-app';

const JSON_TYPE = 'application/json';

describe.each<AdapterName>(['fastify', 'express'])('bodies, on %s', (adapter) => {
  let server: TestApp;
  let accessToken: string;

  beforeAll(async () => {
    server = await TestApp.start({ adapter });
    accessToken = await server.accessTokenFor(await server.createUser());
  });
  afterAll(() => server.stop());

  it('may be called JSON and be absent where a route takes none', async () => {
    const user = await server.createUser();
    const [first, second] = [await server.accessTokenFor(user), await server.accessTokenFor(user)];
    const { body } = await server.sessionsOf(first).expect(200);
    const { sessions } = body as { sessions: { id: string; current: boolean }[] };
    const other = sessions.find(({ current }) => !current)!;
    await server.endSession(first, other.id).set('Content-Type', JSON_TYPE).expect(204);
    await server.me(second).expect(401);
    await server.http
      .post('/api/auth/logout')
      .set('Authorization', `Bearer ${first}`)
      .set('Content-Type', `${JSON_TYPE}; charset=utf-8`)
      .expect(204);
    await server.me(first).expect(401);
  });

  it('that are absent where a route takes one get the usual answer', async () => {
    for (const path of ['/api/auth/login', '/api/password-reset', '/api/users']) {
      const { body } = await server.http.post(path).set('Content-Type', JSON_TYPE).expect(400);
      expect(body).toMatchObject({ code: 'VALIDATION_FAILED' });
    }
  });

  it('that end too early, as the client hangs up, are no error of ours and no denial', async () => {
    const errors = jest.spyOn(Logger.prototype, 'error').mockImplementation();
    const events: RecordedSecurityEvent[] = [];
    server.app.get(SecurityEvents).onEvent((event) => Promise.resolve(void events.push(event)));
    const { port } = new URL(server.url);
    const closed = new Promise<void>((resolve) =>
      (server.app.getHttpServer() as NodeJS.EventEmitter).once('connection', (socket: NodeJS.EventEmitter) =>
        socket.once('close', resolve),
      ),
    );
    const socket = connect(Number(port), '127.0.0.1');
    await once(socket, 'connect');
    socket.write(
      `POST /api/password-reset HTTP/1.1\r\nHost: x\r\nContent-Type: ${JSON_TYPE}\r\nContent-Length: 99\r\n\r\n{`,
    );
    await server.me(accessToken).expect(200);
    socket.destroy();
    await closed;
    // What follows a refusal of the body has been answered and recorded by the time that a later refusal is.
    await server.me('x').expect(401);
    await until(() => events.some(({ act }) => act === 'access_refused'), 'the later refusal');
    expect(events.map(({ act }) => act)).toEqual(['access_refused']);
    expect(errors.mock.calls).toEqual([]);
    errors.mockRestore();
  });
});
