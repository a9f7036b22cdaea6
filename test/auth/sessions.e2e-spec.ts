import { randomUUID } from 'node:crypto';
import { AuthOptions } from '../../src/auth';
import { RecordedSecurityEvent, SecurityEvents } from '../../src/common';
import { Housekeeping } from '../../src/jobs';
import { User } from '../../src/users';
import { readJwt } from '../support/jwt';
import { AdapterName, PASSWORD, TestApp } from '../support/test-app';

const IDLE = 7200;
const NEW_PASSWORD = 'staple battery horse correct';

describe.each<AdapterName>(['fastify', 'express'])('sessions, on %s', (adapter) => {
  let server: TestApp;
  let events: RecordedSecurityEvent[];

  beforeAll(async () => {
    server = await TestApp.start({ adapter });
    server.app.get(SecurityEvents).onEvent((event) => Promise.resolve(void events.push(event)));
  });
  beforeEach(() => (events = []));
  afterAll(() => server.stop());

  const idOf = (accessToken: string) => String(readJwt(accessToken).claims['jti']);
  const listed = async (accessToken: string) =>
    ((await server.sessionsOf(accessToken).expect(200)).body as { sessions: { id: string }[] }).sessions;

  const withoutGuessLimit = async <T>(work: () => Promise<T>): Promise<T> => {
    const options = server.app.get(AuthOptions);
    const { failuresPerAccountAndSource: usual } = options;
    options.failuresPerAccountAndSource = 0;
    return work().finally(() => (options.failuresPerAccountAndSource = usual));
  };

  describe('of somebody else', () => {
    it('look exactly like those that are not there, and live on', async () => {
      const [owner, stranger] = [await server.createUser(), await server.createUser()];
      const [victim, token] = [await server.accessTokenFor(owner), await server.accessTokenFor(stranger)];
      const ids = [idOf(victim), randomUUID(), 'x', idOf(victim).toUpperCase(), "' OR '1'='1", '%00', '*'];
      const answers = await Promise.all(
        ids.map(async (id) => {
          const { status, body } = await server.endSession(token, encodeURIComponent(id));
          return { status, body: { ...(body as object), requestId: 'some id' } };
        }),
      );
      expect(answers[0]).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } });
      for (const answer of answers) expect(answer).toEqual(answers[0]);
      await server.me(victim).expect(200);
      await server.me(token).expect(200);
    });

    it('are in nobody’s list, and nothing in a list opens anything', async () => {
      const [owner, stranger] = [await server.createUser(), await server.createUser()];
      const [victim, token] = [await server.accessTokenFor(owner), await server.accessTokenFor(stranger)];
      const answer = await server.sessionsOf(token).expect(200);
      expect(answer.headers).toMatchObject({ 'cache-control': 'no-store' });
      expect(answer.text).not.toContain(idOf(victim));
      expect(answer.text).not.toContain(token.split('.')[2]);
      for (const word of answer.text.match(/[\w.-]{8,}/g)!) await server.me(word).expect(401);
    });

    it('are not told of, or ended, without an access token', async () => {
      const token = await server.accessTokenFor(await server.createUser());
      await server.http.get('/api/sessions').expect(401);
      await server.http.delete(`/api/sessions/${idOf(token)}`).expect(401);
      await server.me(token).expect(200);
    });
  });

  describe('end', () => {
    it('when they are not used for two hours, whatever the token says', async () => {
      const token = await server.accessTokenFor(await server.createUser());
      server.clock.advance(IDLE - 5);
      await server.me(token).expect(200);
      server.clock.advance(IDLE + 1);
      await server.me(token).expect(401);
      await server.sessionsOf(token).expect(401);
    });

    it('twelve hours after they were begun, however much they are used', async () => {
      const token = await server.accessTokenFor(await server.createUser());
      for (let minutes = 0; minutes < 12 * 60; minutes += 30) {
        await server.me(token).expect(200);
        server.clock.advance(30 * 60);
      }
      await server.me(token).expect(401);
    });

    it('also where an earlier version of the program has begun them and not said when they were used', async () => {
      const user = await server.createUser();
      const token = await server.accessTokenFor(user);
      const forget =
        'UPDATE latchkey.sessions SET last_seen_at = NULL, ip = NULL, user_agent = NULL WHERE id = $1';
      await server.database.query(forget, [idOf(token)]);
      expect(await listed(token)).toEqual([expect.objectContaining({ ip: null, userAgent: null })]);
      await server.database.query(forget, [idOf(token)]);
      server.clock.advance(IDLE + 1);
      await server.me(token).expect(401);
    });

    it('at once when the account is disabled', async () => {
      const user = await server.createUser();
      const [token, other] = [await server.accessTokenFor(user), await server.accessTokenFor(user)];
      await server.database.query('UPDATE latchkey.users SET disabled_at = now() WHERE id = $1', [user.id]);
      await server.sessionsOf(token).expect(401);
      await server.endSession(token, idOf(other)).expect(401);
      await server.me(other).expect(401);
    });

    it('at once, and all of them, when the password is reset', async () => {
      const user = await server.createUser();
      const tokens = await Promise.all([1, 2, 3].map(() => server.accessTokenFor(user)));
      await server.confirm(await server.tokenFor(user), NEW_PASSWORD).expect(204);
      for (const token of tokens) await server.me(token).expect(401);
      const fresh = await server.accessTokenFor(user, NEW_PASSWORD);
      expect(await listed(fresh)).toEqual([expect.objectContaining({ id: idOf(fresh), current: true })]);
    });

    it('at once when their owner ends them, one by one, and this one too', async () => {
      const user = await server.createUser();
      const [token, lost, other] = [
        await server.accessTokenFor(user),
        await server.accessTokenFor(user),
        await server.accessTokenFor(user),
      ];
      const answer = await server.endSession(token, idOf(lost)).expect(204);
      expect(answer.text).toBe('');
      await server.me(lost).expect(401);
      await server.endSession(token, idOf(lost)).expect(404);
      await server.me(other).expect(200);
      await server.endSession(token, idOf(token)).expect(204);
      await server.me(token).expect(401);
      expect((await listed(other)).map(({ id }) => id)).toEqual([idOf(other)]);
    });

    it('by their owner only: another one than this requires the password, whatever its id', async () => {
      const user = await server.createUser();
      const [token, other] = [await server.accessTokenFor(user), await server.accessTokenFor(user)];
      for (const id of [idOf(other), randomUUID(), 'x']) {
        const wrong = await server.endSession(token, id, 'a wrong password').expect(403);
        expect(wrong.body).toMatchObject({
          code: 'WRONG_PASSWORD',
          errors: [{ field: 'currentPassword', code: 'wrong' }],
        });
        const withoutBody = server.http.delete(`/api/sessions/${id}`);
        const missing = await withoutBody.set('Authorization', `Bearer ${token}`).expect(400);
        expect(missing.body).toMatchObject({
          code: 'VALIDATION_FAILED',
          errors: [{ field: 'currentPassword', code: 'invalid' }],
        });
        const listOf = await server.http
          .delete(`/api/sessions/${id}`)
          .set('Authorization', `Bearer ${token}`)
          .send({ currentPassword: [PASSWORD] });
        expect(listOf.status).toBe(400);
      }
      await server.me(other).expect(200);
      await server.http
        .delete(`/api/sessions/${idOf(token)}`)
        .set('Authorization', `Bearer ${token}`)
        .expect(204);
      await server.me(token).expect(401);
    });

    it('once, when many end the same one at the same time', async () => {
      const user = await server.createUser();
      const [token, lost] = [await server.accessTokenFor(user), await server.accessTokenFor(user)];
      // So many at once would be taken for guesses.
      const answers = await withoutGuessLimit(() =>
        Promise.all(Array.from({ length: 20 }, () => server.endSession(token, idOf(lost)))),
      );
      expect(answers.map(({ status }) => status).sort()).toEqual([204, ...Array<number>(19).fill(404)]);
      expect(events.filter(({ act }) => act === 'session_ended')).toHaveLength(1);
    });

    it('at sign-out, and the browser is told to forget what it has kept', async () => {
      const token = await server.accessTokenFor(await server.createUser());
      const answer = await server.http
        .post('/api/auth/logout')
        .set('Authorization', `Bearer ${token}`)
        .expect(204);
      expect(answer.headers['clear-site-data']).toBe('"cache", "storage"');
      await server.me(token).expect(401);
    });
  });

  describe('of one account', () => {
    const withAtMost = async (maxSessions: number, work: () => Promise<void>) => {
      const options = server.app.get(AuthOptions);
      const { maxSessions: usual } = options;
      options.maxSessions = maxSessions;
      await work().finally(() => (options.maxSessions = usual));
    };

    it('are fifty at most: one more sign-in ends the oldest', async () => {
      expect(server.app.get(AuthOptions).maxSessions).toBe(50);
      const [user, bystander] = [await server.createUser(), await server.createUser()];
      const others = await server.accessTokenFor(bystander);
      await withAtMost(3, async () => {
        const tokens: string[] = [];
        for (let n = 0; n < 4; n++) {
          tokens.push(await server.accessTokenFor(user));
          server.clock.advance(1);
        }
        await server.me(tokens[0]!).expect(401);
        for (const token of tokens.slice(1)) await server.me(token).expect(200);
      });
      await server.me(others).expect(200);
    });

    it('are no more than that, however many sign in at the same time', async () => {
      const user = await server.createUser();
      // So many at once would be taken for guesses.
      await withAtMost(3, async () => {
        const answers = await withoutGuessLimit(() =>
          Promise.all(Array.from({ length: 20 }, () => server.login(user.email, PASSWORD))),
        );
        expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
        const count = 'SELECT count(*)::int AS n FROM latchkey.sessions WHERE user_id = $1';
        expect(await server.database.query(count, [user.id])).toEqual([{ n: 3 }]);
      });
    });
  });

  describe('are listed', () => {
    it('with what their owner recognizes them by, latest first', async () => {
      const user = await server.createUser();
      const signIn = async (userAgent: string) => {
        const answer = await server.login(user.email, PASSWORD).set('User-Agent', userAgent).expect(200);
        server.clock.advance(1);
        return (answer.body as { accessToken: string }).accessToken;
      };
      const [phone, laptop] = [await signIn('a phone'), await signIn('a laptop')];
      const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string;
      const common = { createdAt: time, lastSeenAt: time, expiresAt: time, ip: '127.0.0.1' };
      expect(await listed(phone)).toEqual([
        { ...common, id: idOf(laptop), userAgent: 'a laptop', current: false },
        { ...common, id: idOf(phone), userAgent: 'a phone', current: true },
      ]);
    });

    it('without those that have ended by themselves', async () => {
      const user = await server.createUser();
      await server.accessTokenFor(user);
      server.clock.advance(IDLE + 1);
      const token = await server.accessTokenFor(user);
      expect((await listed(token)).map(({ id }) => id)).toEqual([idOf(token)]);
    });

    it('whatever a program calls itself', async () => {
      const user = await server.createUser();
      const strange = `\u0007<script>alert(1)</script>${'x'.repeat(500)}`;
      const answer = await sendLogin(user, strange);
      const [session] = (await listed(answer)) as unknown as [{ userAgent: string }];
      expect(session.userAgent).toMatch(/^\??<script>alert\(1\)<\/script>x+$/);
      expect(session.userAgent.length).toBeLessThanOrEqual(200);
    });

    async function sendLogin(user: User, userAgent: string): Promise<string> {
      const body = JSON.stringify({ email: user.email, password: PASSWORD });
      const answer = await server.http
        .post('/api/auth/login')
        .set('Content-Type', 'application/json')
        .set('User-Agent', userAgent.replace('\u0007', '\t'))
        .send(body);
      return (answer.body as { accessToken: string }).accessToken;
    }
  });

  it('are written once a minute, not at every use', async () => {
    const user = await server.createUser();
    const token = await server.accessTokenFor(user);
    const lastSeen = async () => {
      const row = 'SELECT last_seen_at FROM latchkey.sessions WHERE id = $1';
      const [{ last_seen_at }] = await server.database.query<[{ last_seen_at: Date }]>(row, [idOf(token)]);
      return last_seen_at.getTime();
    };
    const begun = await lastSeen();
    server.clock.advance(50);
    await server.me(token).expect(200);
    expect(await lastSeen()).toBe(begun);
    server.clock.advance(10);
    await server.me(token).expect(200);
    expect(await lastSeen()).toBeGreaterThanOrEqual(begun + 60_000);
  });

  it('live while they are used, also where the idle lifetime is the shortest that can be set', async () => {
    const options = server.app.get(AuthOptions);
    options.sessionIdleTtlSeconds = 60;
    try {
      const token = await server.accessTokenFor(await server.createUser());
      for (let n = 0; n < 10; n++) {
        server.clock.advance(50);
        await server.me(token).expect(200);
      }
      server.clock.advance(61);
      await server.me(token).expect(401);
    } finally {
      options.sessionIdleTtlSeconds = IDLE;
    }
  });

  it('are removed after their end', async () => {
    const user = await server.createUser();
    await server.accessTokenFor(user);
    const rows = () =>
      server.database.query<object[]>('SELECT 1 FROM latchkey.sessions WHERE user_id = $1', [user.id]);
    await server.app.get(Housekeeping).run();
    expect(await rows()).toHaveLength(1);
    server.clock.advance(43_201);
    await server.app.get(Housekeeping).run();
    expect(await rows()).toHaveLength(0);
  });

  it('are removed in statements of a thousand, so that none comes near its timeout', async () => {
    const userId = randomUUID();
    await server.database.query(
      `INSERT INTO latchkey.sessions (id, user_id, credentials_version, created_at, expires_at)
       SELECT gen_random_uuid(), $1, 1, now() - interval '2 days', now() - interval '1 day'
       FROM generate_series(1, 2500)`,
      [userId],
    );
    const counts: number[] = [];
    const { logger } = server.database;
    server.database.logger = Object.assign(Object.create(logger) as typeof logger, {
      logQuery: (query: string) => void (query.startsWith('DELETE FROM latchkey.sessions') && counts.push(1)),
    });
    await server.app.get(Housekeeping).run();
    server.database.logger = logger;
    const left = 'SELECT 1 FROM latchkey.sessions WHERE user_id = $1';
    expect(await server.database.query<object[]>(left, [userId])).toHaveLength(0);
    expect(counts).toHaveLength(3);
  });

  it('are told to operators: when they begin, when they end, and why', async () => {
    const user = await server.createUser();
    const [token, other] = [await server.accessTokenFor(user), await server.accessTokenFor(user)];
    await server.endSession(token, idOf(other)).expect(204);
    await server.http.post('/api/auth/logout').set('Authorization', `Bearer ${token}`).expect(204);
    const told = events.filter(({ act }) => act.startsWith('session_'));
    expect(told.map(({ act, details }) => [act, details['sessionId'], details['reason']])).toEqual([
      ['session_started', idOf(token), undefined],
      ['session_started', idOf(other), undefined],
      ['session_ended', idOf(other), 'ended_by_owner'],
      ['session_ended', idOf(token), 'logout'],
    ]);
    for (const event of told) expect(event).toMatchObject({ userId: user.id, source: '127.0.0.1' });
    for (const secret of [token, other]) expect(JSON.stringify(events)).not.toContain(secret.split('.')[2]);
  });
});
