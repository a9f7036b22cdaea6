import { AdapterName, TestApp } from '../support/test-app';

const FRIEND = 'https://app.example.com';
const PATH = '/api/password-reset/verify';

/** What an answer says to browsers about other origins; empty where it says nothing. */
function grants(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith('access-control-')));
}

describe.each<AdapterName>(['fastify', 'express'])('the scripts of other sites, on %s,', (adapter) => {
  const preflight = (server: TestApp, origin: string, path = PATH) =>
    server.http
      .options(path)
      .set('Origin', origin)
      .set('Access-Control-Request-Method', 'POST')
      .set('Access-Control-Request-Headers', 'content-type');

  describe('where no origin is listed', () => {
    let server: TestApp;
    beforeAll(async () => (server = await TestApp.start({ adapter })));
    afterAll(() => server.stop());

    it('read nothing, whatever they call themselves', async () => {
      for (const origin of [FRIEND, 'null', 'http://localhost:3000', server.url, '*']) {
        for (const path of ['/api/users/me', '/health/live', '/api/nothing-here']) {
          const { headers } = await server.http.get(path).set('Origin', origin);
          expect(grants(headers)).toEqual({});
        }
        const asked = await preflight(server, origin).expect(405);
        expect(grants(asked.headers)).toEqual({});
      }
    });
  });

  describe('where one is listed', () => {
    let server: TestApp;
    beforeAll(async () => {
      server = await TestApp.start({
        adapter,
        settings: { corsOrigins: [FRIEND, 'http://localhost:5173'], limitPerMinute: 1000, apiDocs: 'on' },
      });
    });
    afterAll(() => server.stop());

    it.each([
      'null',
      'https://evil.example',
      'https://app.example.com.evil.example',
      'https://evil-app.example.com',
      'https://appxexample.com',
      'https://sub.app.example.com',
      'https://example.com',
      'http://app.example.com',
      'https://app.example.com:444',
      'https://app.example.com/',
      'https://app.example.com@evil.example',
      'https://APP.example.com',
      'https://app.example.com, https://evil.example',
      ' ',
      '*',
      '__proto__',
    ])('read nothing as %s', async (origin) => {
      for (const { headers } of [
        await server.http.get('/api/users/me').set('Origin', origin).expect(401),
        await server.http.post(PATH).set('Origin', origin).send({ token: 'abc' }).expect(400),
        await preflight(server, origin).expect(405),
      ]) {
        expect(grants(headers)).toEqual({});
        expect(headers['vary']).toMatch(/\bOrigin\b/);
      }
    });

    it('may ask and read as the listed one, errors too, and send no cookies', async () => {
      const asked = await preflight(server, FRIEND).expect(204);
      expect(asked.text).toBe('');
      expect(grants(asked.headers)).toEqual({
        'access-control-allow-origin': FRIEND,
        'access-control-allow-methods': 'GET, POST, PUT, PATCH, DELETE',
        'access-control-allow-headers': 'Authorization, Content-Type',
        'access-control-max-age': '3600',
        'access-control-expose-headers': 'Retry-After, WWW-Authenticate',
      });
      for (const answer of [
        await server.http.post(PATH).set('Origin', FRIEND).send({ token: 'abc' }).expect(400),
        await server.http.get('/api/users/me').set('Origin', FRIEND).expect(401),
        await server.http.get('/api/openapi.json').set('Origin', FRIEND).expect(200),
        await server.http.post(PATH).set('Origin', FRIEND).type('text/plain').send('x').expect(415),
        await server.http.get('/api/nothing-here').set('Origin', FRIEND).expect(404),
      ]) {
        expect(grants(answer.headers)).toEqual({
          'access-control-allow-origin': FRIEND,
          'access-control-expose-headers': 'Retry-After, WWW-Authenticate',
        });
        expect(answer.headers['vary']).toMatch(/\bOrigin\b/);
      }
    });

    it('does not keep an answer to nobody for the listed one', async () => {
      const { headers } = await server.http.get('/api/users/me').expect(401);
      expect(grants(headers)).toEqual({});
      expect(headers['vary']).toMatch(/\bOrigin\b/);
    });

    it('has no preflight change anything', async () => {
      const user = await server.createUser();
      const mails = server.mails.countTo(user.email);
      await preflight(server, FRIEND, '/api/password-reset').send({ email: user.email }).expect(204);
      await server.idle();
      expect(server.mails.countTo(user.email)).toBe(mails);
    });

    it('read the health of nothing, and no page', async () => {
      const paths = ['/health/live', ...(adapter === 'fastify' ? ['/', '/login', '/assets/style.css'] : [])];
      for (const path of [...paths, '/apiary', '/API/users/me']) {
        const { headers } = await server.http.get(path).set('Origin', FRIEND);
        expect(grants(headers)).toEqual({});
      }
    });
  });
});
