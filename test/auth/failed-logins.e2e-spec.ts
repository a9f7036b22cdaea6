import { randomInt, randomUUID } from 'node:crypto';
import type { Response } from 'supertest';
import { AuthOptions, AuthService, WrongPasswordError } from '../../src/auth';
import { MailService } from '../../src/mail';
import { RecordedSecurityEvent, SecurityEvents } from '../../src/common';
import { User, UsersOptions, UsersService } from '../../src/users';
import { describeWithRedis, redisUrl } from '../support/redis';
import { PASSWORD, TestApp, TestAppOptions } from '../support/test-app';

const NEW_PASSWORD = 'staple battery horse correct';
const WRONG = 'a wrong password';

const servers: TestApp[] = [];

/** A server behind one proxy, so that tests can be many sources. */
async function start({ settings, ...options }: TestAppOptions = {}): Promise<TestApp> {
  const server = await TestApp.start({ ...options, settings: { trustProxy: 1, ...settings } });
  // Bursts are what these tests are about: none of them shall be refused for the work of its hashes.
  server.app.get(UsersOptions).hashQueueLimit = 1000;
  servers.push(server);
  return server;
}

afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop();
});

const anySource = () => `10.${randomInt(256)}.${randomInt(256)}.${randomInt(256)}`;
const anyAddress = () => `${randomUUID()}@example.com`;

const login = (server: TestApp, email: string, password: string, source: string) =>
  server.login(email, password).set('X-Forwarded-For', source);

async function fail(times: number, server: TestApp, email: string, source: string): Promise<number[]> {
  const statuses = [];
  for (let n = 0; n < times; n++) statuses.push((await login(server, email, WRONG, source)).status);
  return statuses;
}

/** How often a password was really compared with that of an account. */
function comparisons(server: TestApp): () => number {
  const spy = jest.spyOn(server.app.get(UsersService), 'authenticate');
  return () => spy.mock.calls.filter(([email]) => email !== undefined).length;
}

/** All of an answer but what differs between any two answers: of the seconds to wait, that there are some. */
function comparable({ status, headers, text, body }: Response): unknown {
  const { date: _date, etag: _etag, 'retry-after': wait, ...others } = headers;
  return { status, waits: wait !== undefined, others, text: text.replace(body.requestId, '') };
}

function events(server: TestApp): RecordedSecurityEvent[] {
  const told: RecordedSecurityEvent[] = [];
  server.app.get(SecurityEvents).onEvent((event) => Promise.resolve(void told.push(event)));
  return told;
}

async function recover(server: TestApp, user: User): Promise<void> {
  await server.confirm(await server.tokenFor(user), NEW_PASSWORD).expect(204);
}

function inEveryStore(specs: (settings: TestAppOptions['settings']) => void): void {
  describe('counted in PostgreSQL', () => specs({}));
  describeWithRedis('counted in Redis', () => specs({ redisUrl }));
}

describe('somebody who guesses the password of one account', () => {
  inEveryStore((settings) => {
    it('has ten passwords looked at, of 500 at the same time on four servers', async () => {
      const four = await Promise.all(Array.from({ length: 4 }, () => start({ settings })));
      const looked = four.map(comparisons);
      const [{ email }, source] = [await four[0]!.createUser(), anySource()];
      const answers = await Promise.all(
        Array.from({ length: 500 }, (_, n) => login(four[n % 4]!, email, WRONG, source)),
      );
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401]));
      expect(looked.reduce((sum, count) => sum + count(), 0)).toBe(10);
    }, 90_000);

    it('is wrong with the right password too after ten wrong ones, and cannot tell', async () => {
      const server = await start({ settings });
      const [{ email }, source] = [await server.createUser(), anySource()];
      const answers = [];
      for (let n = 0; n < 10; n++) answers.push(await login(server, email, WRONG, source));
      answers.push(await login(server, email, PASSWORD, source));
      for (const answer of answers) expect(comparable(answer)).toEqual(comparable(answers[0]!));
    });

    it('is still wrong after the server has been started again', async () => {
      const before = await start({ settings });
      const [{ email }, source] = [await before.createUser(), anySource()];
      await fail(10, before, email, source);
      await servers.pop()!.stop();
      await login(await start({ settings }), email, PASSWORD, source).expect(401);
    });

    it('has a hundred tries in a day, from however many sources', async () => {
      const server = await start({ settings });
      const looked = comparisons(server);
      const { email } = await server.createUser();
      for (let n = 0; n < 12; n++) await fail(10, server, email, anySource());
      expect(looked()).toBe(100);
      await login(server, email, PASSWORD, anySource()).expect(401);
    });
  });

  it('gets in as its owner does after nine wrong ones, and may then be wrong ten times again', async () => {
    const server = await start();
    const [{ email }, source] = [await server.createUser(), anySource()];
    for (let round = 0; round < 3; round++) {
      await fail(9, server, email, source);
      await login(server, email, PASSWORD, source).expect(200);
    }
  });

  it('has no new tries for another spelling of the address', async () => {
    const server = await start();
    const name = randomUUID();
    const user = await server.createUser({ email: `susan.${name}@b\u00fccher.example` });
    const source = anySource();
    const spellings = [
      `susan.${name}@b\u00fccher.example`,
      `SUSAN.${name}@b\u00fccher.example`,
      `Susan.${name.toUpperCase()}@B\u00dcCHER.EXAMPLE`,
      `susan.${name}@xn--bcher-kva.example`,
      `susan.${name}@XN--BCHER-KVA.example`,
    ];
    const looked = comparisons(server);
    for (let n = 0; n < 25; n++) await login(server, spellings[n % 5]!, WRONG, source).expect(401);
    expect(looked()).toBe(10);
    for (const spelling of spellings) await login(server, spelling, PASSWORD, source).expect(401);
    expect(user.email).toContain(name);
  });

  it('has the tries again after a quarter of an hour', async () => {
    const server = await start();
    const [{ email }, source] = [await server.createUser(), anySource()];
    await fail(12, server, email, source);
    // The counters know the machine's time only, so it is they who are moved.
    const pass = (seconds: number) =>
      server.database.query('UPDATE latchkey.limit_counters SET expire = expire - $1', [seconds * 1000]);
    await pass(15 * 60 - 30);
    await login(server, email, PASSWORD, source).expect(401);
    await pass(30);
    await login(server, email, PASSWORD, source).expect(200);
  });

  it('uses up no tries by what is refused, so one source alone does not lock the others out', async () => {
    const server = await start();
    const { email } = await server.createUser();
    await fail(150, server, email, anySource());
    await login(server, email, PASSWORD, anySource()).expect(200);
  });

  it('is refused by the same statements, blocked or not, whether or not there is such an account', async () => {
    const server = await start();
    const [known, disabled, unverified] = [
      await server.createUser(),
      await server.createUser(),
      await server.createUser(),
    ];
    const set = (column: string, { id }: User) =>
      server.database.query(`UPDATE latchkey.users SET ${column} = now() WHERE id = $1`, [id]);
    await set('disabled_at', disabled);
    await set('unverified_since', unverified);
    await server.idle();

    const log = jest.spyOn(server.database.logger, 'logQuery');
    const statementsOf = async (email: string, password: string) => {
      const source = anySource();
      const seen = [];
      for (let n = 0; n < 12; n++) {
        log.mockClear();
        await login(server, email, password, source).expect(401);
        const statements = log.mock.calls.map(([text]) => text.replace(/\s+/g, ' ').trim());
        // Jobs and the audit trail have a rhythm of their own.
        seen.push(statements.filter((text) => !/latchkey\.jobs|audit_events/.test(text)));
      }
      return seen;
    };
    const unknown = await statementsOf(anyAddress(), WRONG);
    // What one source tries in vain is not counted for the account.
    expect(unknown.map(({ length }) => length)).toEqual([...Array.from({ length: 10 }, () => 4), 3, 3]);
    expect(await statementsOf(known.email, WRONG)).toEqual(unknown);
    for (const { email } of [disabled, unverified]) {
      expect(await statementsOf(email, WRONG)).toEqual(unknown);
      expect(await statementsOf(email, PASSWORD)).toEqual(unknown);
    }
  });

  it('sees the same answers in a burst whether or not there is such an account', async () => {
    const server = await start({ failuresPerSource: 15 });
    const burst = async (email: string) => {
      const source = anySource();
      const answers = [];
      for (let n = 0; n < 20; n++) answers.push(comparable(await login(server, email, PASSWORD, source)));
      return answers;
    };
    const disabled = await server.createUser();
    await server.database.query('UPDATE latchkey.users SET disabled_at = now() WHERE id = $1', [disabled.id]);
    const unknown = await burst(anyAddress());
    expect(await burst(disabled.email)).toEqual(unknown);
  });

  it('wastes no try while the server has no time to look at passwords', async () => {
    const server = await start({ failuresPerSource: 15 });
    const [{ email }, source] = [await server.createUser(), anySource()];
    server.app.get(UsersOptions).hashQueueLimit = 0;
    for (let n = 0; n < 20; n++) await login(server, email, WRONG, source).expect(503);
    server.app.get(UsersOptions).hashQueueLimit = 64;
    await login(server, email, PASSWORD, source).expect(200);
  });
});

describe('an owner whom strangers have locked out', () => {
  it('recovers by mail, and then signs in, from wherever the strangers are too', async () => {
    const server = await start();
    const [user, crowd] = [await server.createUser(), anySource()];
    for (let n = 0; n < 10; n++) await fail(10, server, user.email, n === 0 ? crowd : anySource());
    await login(server, user.email, PASSWORD, anySource()).expect(401);
    await recover(server, user);
    await login(server, user.email, NEW_PASSWORD, anySource()).expect(200);
    await login(server, user.email, NEW_PASSWORD, crowd).expect(200);
  });

  it('stays signed in where they are', async () => {
    const server = await start();
    const user = await server.createUser();
    const session = await server.accessTokenFor(user);
    for (let n = 0; n < 11; n++) await fail(10, server, user.email, anySource());
    await server.me(session).expect(200);
  });

  it('signs in elsewhere where the strangers are of one source', async () => {
    const server = await start();
    const user = await server.createUser();
    await fail(15, server, user.email, anySource());
    await login(server, user.email, PASSWORD, anySource()).expect(200);
  });
});

describe('the owner of an account that somebody signs in to', () => {
  const failFromAnywhere = async (times: number, server: TestApp, email: string) => {
    for (let n = 0; n < times; n++) await fail(1, server, email, anySource());
  };
  const noticesTo = async (server: TestApp, email: string) => {
    await server.idle();
    return server.mails.to(email);
  };

  inEveryStore((settings) => {
    it('is told once where it was after twelve wrong passwords: when, from where, and what to do', async () => {
      const server = await start({ settings });
      const [{ email }, source] = [await server.createUser(), anySource()];
      await failFromAnywhere(12, server, email);
      const answer = await login(server, email, PASSWORD, source).expect(200);
      await login(server, email, PASSWORD, anySource()).expect(200);
      const { text, html, subject } = await server.mails.next(email);
      expect(await noticesTo(server, email)).toHaveLength(1);
      expect(subject).toBe('[Latchkey] Somebody Signed In to Your Account');
      for (const part of [text, html]) {
        expect(part).toContain(`Source address: ${source}`);
        expect(part).toMatch(/Time: \d{4}-\d\d-\d\d \d\d:\d\d UTC/);
        expect(part).toContain('http://localhost:3000/reset_password_request');
      }
      expect(Object.keys(answer.body)).toEqual(['accessToken', 'tokenType', 'expiresIn']);
    });
  });

  it('is told in their language, and where it was on the page too', async () => {
    const server = await start();
    const { email } = await server.createUser({ locale: 'zh-TW' });
    await failFromAnywhere(10, server, email);
    const browser = server.browser();
    const { text } = await browser.get('/login').expect(200);
    const _csrf = /name="_csrf" value="([^"]*)"/.exec(text)![1];
    await browser.post('/login').type('form').send({ _csrf, email, password: PASSWORD }).expect(303);
    expect((await server.mails.next(email)).subject).toBe('[Latchkey] 有人登入了您的帳號');
  });

  it('is told where one source was refused before, and another gets in', async () => {
    const server = await start();
    const { email } = await server.createUser();
    await fail(15, server, email, anySource());
    await login(server, email, PASSWORD, anySource()).expect(200);
    await server.mails.next(email);
    expect(await noticesTo(server, email)).toHaveLength(1);
  });

  it.each([
    ['after three wrong ones', 3, {}],
    ['after nine wrong ones', 9, {}],
    ['where that is not wanted', 12, { noticeAfterFailures: 0 }],
    ['where there is no page to lead to', 12, { requestUrl: undefined }],
  ])('is not told %s', async (_, failures, options) => {
    const server = await start();
    Object.assign(server.app.get(AuthOptions), options);
    const { email } = await server.createUser();
    await failFromAnywhere(failures, server, email);
    await login(server, email, PASSWORD, anySource()).expect(200);
    // A later mail, so that an earlier one would be there.
    await server.ask(email).expect(202);
    await server.mails.next(email);
    expect((await noticesTo(server, email)).map(({ subject }) => subject)).toEqual([
      '[Latchkey] Reset Your Password',
    ]);
  });

  it('is told nothing of wrong passwords from before a sign-in of their own or a new password', async () => {
    const server = await start();
    const user = await server.createUser();
    await failFromAnywhere(6, server, user.email);
    await login(server, user.email, PASSWORD, anySource()).expect(200);
    await failFromAnywhere(6, server, user.email);
    await login(server, user.email, PASSWORD, anySource()).expect(200);
    await failFromAnywhere(12, server, user.email);
    await recover(server, user);
    await login(server, user.email, NEW_PASSWORD, anySource()).expect(200);
    const subjects = (await noticesTo(server, user.email)).map(({ subject }) => subject);
    expect(subjects.filter((subject) => subject.includes('Signed In'))).toEqual([]);
  });

  it('is told later, not in the time of the sign-in: the answer does not wait for the mail to be queued', async () => {
    const server = await start();
    const { email } = await server.createUser();
    const enqueue = jest.spyOn(server.app.get(MailService), 'enqueue');
    enqueue.mockReturnValue(new Promise(() => undefined));
    await failFromAnywhere(12, server, email);
    await login(server, email, PASSWORD, anySource()).expect(200);
    expect(enqueue).toHaveBeenCalledTimes(1);
    jest.restoreAllMocks();
  });

  it('signs in all the same where the notice cannot be queued', async () => {
    const server = await start();
    const { email } = await server.createUser();
    jest.spyOn(server.app.get(MailService), 'enqueue').mockRejectedValue(new Error('no queue'));
    await failFromAnywhere(12, server, email);
    await login(server, email, PASSWORD, anySource()).expect(200);
    jest.restoreAllMocks();
  });
});

describe('somebody in a stolen session', () => {
  it('has ten passwords compared in a quarter of an hour, wherever they come from, and keeps nobody from signing in', async () => {
    const server = await start();
    const user = await server.createUser();
    const [stolen, own, auth] = [randomUUID(), randomUUID(), server.app.get(AuthService)];
    const ip = anySource();
    const reauthenticate = (password: string, sessionId: string, source = anySource()) =>
      auth.reauthenticate(user, password, { ip: source }, sessionId);
    for (let n = 0; n < 12; n++)
      await expect(reauthenticate(WRONG, stolen, n % 2 ? ip : anySource())).rejects.toThrow(
        WrongPasswordError,
      );
    await expect(reauthenticate(PASSWORD, stolen)).rejects.toThrow(WrongPasswordError);
    await login(server, user.email, PASSWORD, ip).expect(200);
    await expect(reauthenticate(PASSWORD, own, ip)).resolves.toBeUndefined();
  });

  it('has a hundred passwords compared in a day, in however many sessions', async () => {
    const server = await start();
    server.app.get(AuthOptions).reauthenticationFailuresPerAccount = 15;
    const user = await server.createUser();
    const auth = server.app.get(AuthService);
    expect(new AuthOptions().reauthenticationFailuresPerAccount).toBe(100);
    const [first, second] = [randomUUID(), randomUUID()];
    for (const sessionId of [first, second])
      for (let n = 0; n < 8; n++)
        await expect(auth.reauthenticate(user, WRONG, { ip: anySource() }, sessionId)).rejects.toThrow(
          WrongPasswordError,
        );
    await expect(auth.reauthenticate(user, PASSWORD, { ip: anySource() }, randomUUID())).rejects.toThrow(
      WrongPasswordError,
    );
    await login(server, user.email, PASSWORD, anySource()).expect(200);
  });
});

describe('somebody who tries one password on many accounts', () => {
  inEveryStore((settings) => {
    it('is told to wait after a hundred failures of 500 at the same time, and names no account', async () => {
      const server = await start({ settings, failuresPerSource: new AuthOptions().failuresPerSource });
      const source = anySource();
      const answers = await Promise.all(
        Array.from({ length: 500 }, () => login(server, anyAddress(), 'Password123', source)),
      );
      const refused = answers.filter(({ status }) => status === 429);
      expect(answers.filter(({ status }) => status === 401)).toHaveLength(100);
      expect(refused).toHaveLength(400);
      expect(refused[0]!.body).toMatchObject({ code: 'RATE_LIMITED' });
      const wait = Number(refused[0]!.headers['retry-after']);
      expect([wait > 3500, wait <= 3600]).toEqual([true, true]);
      const { email } = await server.createUser();
      await login(server, email, PASSWORD, source).expect(429);
      await login(server, email, PASSWORD, anySource()).expect(200);
    });
  });

  it('cannot begin anew by signing in to an account of their own', async () => {
    const server = await start({ failuresPerSource: 10 });
    const [own, source] = [await server.createUser(), anySource()];
    for (let n = 0; n < 10; n++) {
      await login(server, own.email, PASSWORD, source).expect(200);
      await login(server, anyAddress(), WRONG, source).expect(401);
    }
    await login(server, anyAddress(), WRONG, source).expect(429);
  });

  it('is told on the page too, by a page', async () => {
    const server = await start({ failuresPerSource: 1 });
    const source = anySource();
    await login(server, anyAddress(), WRONG, source).expect(401);
    const browser = server.browser();
    const { text } = await browser.get('/login').expect(200);
    const _csrf = /name="_csrf" value="([^"]*)"/.exec(text)![1];
    const send = (email: string) =>
      browser
        .post('/login')
        .set('X-Forwarded-For', source)
        .type('form')
        .send({ _csrf, email, password: WRONG });
    for (const email of [anyAddress(), 'no address at all']) {
      const answer = await send(email);
      expect([answer.status, answer.type]).toEqual([429, 'text/html']);
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(3500);
    }
  });
});

describe('the record of sign-ins', () => {
  it('says what the answers do not', async () => {
    const server = await start();
    const told = events(server);
    const [user, disabled, unverified] = [
      await server.createUser(),
      await server.createUser(),
      await server.createUser(),
    ];
    const set = (column: string, { id }: User) =>
      server.database.query(`UPDATE latchkey.users SET ${column} = now() WHERE id = $1`, [id]);
    await set('disabled_at', disabled);
    await set('unverified_since', unverified);
    const source = anySource();
    await login(server, user.email, PASSWORD, source).expect(200);
    await login(server, anyAddress(), WRONG, source).expect(401);
    await login(server, disabled.email, PASSWORD, source).expect(401);
    await login(server, unverified.email, PASSWORD, source).expect(401);
    await fail(12, server, user.email, source);

    const logins = told.filter(({ act }) => act === 'login' || act === 'limit_exceeded');
    expect(
      logins.map(({ outcome, userId, details }) => [outcome, userId, details['reason'] ?? details['limit']]),
    ).toEqual([
      ['success', user.id, undefined],
      ['failure', undefined, 'unknown_address'],
      ['failure', disabled.id, 'account_disabled'],
      ['failure', unverified.id, 'address_unverified'],
      ...Array.from({ length: 10 }, () => ['failure', user.id, 'wrong_password']),
      ['failure', undefined, 'login-failures-account-source'],
      ['failure', user.id, 'blocked'],
      ['failure', user.id, 'blocked'],
    ]);
    for (const event of logins) {
      expect(event.source).toBe(source);
      expect(JSON.stringify(event)).not.toMatch(new RegExp(`${user.email}|${WRONG}|${PASSWORD}`));
    }
  });
});
