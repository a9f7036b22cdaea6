import { Logger } from '@nestjs/common';
import { Redis } from 'ioredis';
import { randomUUID } from 'node:crypto';
import PostalMime from 'postal-mime';
import { RecordedSecurityEvent, SecurityEvents } from '../../src/common';
import type { Settings } from '../../src/server/settings';
import { MailOptions } from '../../src/mail';
import type { User } from '../../src/users';
import { Account } from '../support/account';
import { until } from '../support/mail-reader';
import { describeWithRedis, redisUrl } from '../support/redis';
import { Registrations } from '../support/registrations';
import { SmtpSink } from '../support/smtp-sink';
import { TestApp, tokenIn } from '../support/test-app';

const servers: TestApp[] = [];
let sink: SmtpSink;
let mail: Partial<Settings>;

beforeEach(async () => {
  sink = new SmtpSink();
  mail = { mailServer: '127.0.0.1', mailPort: await sink.start(), mailUseTls: false };
});
afterEach(async () => {
  // What still waits would be sent in the next test.
  await servers[0]!.database.query(`DELETE FROM latchkey.jobs WHERE state = 'waiting' AND tries > 0`);
  for (const server of servers.splice(0)) await server.stop();
  await sink.stop();
  jest.restoreAllMocks();
});

async function start(settings: Partial<Settings>): Promise<TestApp> {
  const server = await TestApp.start({ settings: { ...mail, ...settings } });
  servers.push(server);
  await server.database.query(`DELETE FROM latchkey.limit_counters WHERE key LIKE 'mails%'`);
  return server;
}

/** Somebody asks for so many links, each for another account. */
async function askFor(times: number, ...from: TestApp[]): Promise<User[]> {
  const users = await Promise.all(Array.from({ length: times }, () => from[0]!.createUser()));
  await Promise.all(users.map(({ email }, n) => from[n % from.length]!.ask(email).expect(202)));
  await from[0]!.idle();
  return users;
}

/** What is told of mails that are put off, from now on. */
function watchDeferred(server: TestApp): object[] {
  const deferred: object[] = [];
  server.app.get(SecurityEvents).onEvent(({ act, details: { error, template } }) => {
    if (act === 'mail_deferred') deferred.push({ error, template });
    return Promise.resolve();
  });
  return deferred;
}

const sent = (users: User[]) => users.filter(({ email }) => sink.to(email).length === 1).length;

/** The counters know the machine's time only, so it is they who are moved. */
const nextHour = (server: TestApp, counters = 'mails') =>
  server.database.query(
    `UPDATE latchkey.limit_counters SET expire = expire - 3600000 WHERE key LIKE $1 || '%'`,
    [counters],
  );

describe('all mails of an hour', () => {
  it('are as many as MAILS_PER_HOUR, of all servers together; the others come in the next, none twice', async () => {
    const two = [await start({ mailsPerHour: 5 }), await start({ mailsPerHour: 5 })] as const;
    const users = await askFor(12, ...two);
    expect(sent(users)).toBe(5);
    await two[0].retryNow();
    await two[0].idle();
    expect(sent(users)).toBe(5);

    for (const expected of [10, 12]) {
      await nextHour(two[0]);
      await two[0].retryNow();
      await two[0].idle();
      expect(sent(users)).toBe(expected);
    }
  });

  it('are not tried in vain meanwhile: the others wait for the next hour', async () => {
    const server = await start({ mailsPerHour: 1 });
    await askFor(4, server);
    const waiting = await server.database.query<{ seconds: number }[]>(
      `SELECT extract(epoch FROM due_at - now())::float8 AS seconds FROM latchkey.jobs
      WHERE state = 'waiting' AND tries > 0`,
    );
    expect(waiting).toHaveLength(3);
    for (const { seconds } of waiting) {
      expect(seconds).toBeGreaterThan(3500);
      // The next hour, and up to a minute more by chance.
      expect(seconds).toBeLessThanOrEqual(3660);
    }
  });

  it('raise one alarm when they are too many', async () => {
    const alarms = jest.spyOn(Logger.prototype, 'error');
    const server = await start({ mailsPerHour: 2 });
    const told: RecordedSecurityEvent[] = [];
    server.app.get(SecurityEvents).onEvent((event) => Promise.resolve(void told.push(event)));
    await askFor(8, server);
    expect(alarms.mock.calls.map(([message]) => String(message))).toEqual([
      expect.stringMatching(
        /^2 mails have been sent within an hour \(MAILS_PER_HOUR\)\. No more for \d+ seconds\.$/,
      ),
    ]);
    const exceeded = told.filter(({ act }) => act === 'limit_exceeded');
    expect(exceeded.map(({ details }) => details)).toEqual([{ limit: 'mails' }]);
    expect(told.filter(({ act }) => act === 'mail_handed_over')).toHaveLength(2);
  });

  it('are told of where they wait for the next hour, each once in this one', async () => {
    const server = await start({ mailsPerHour: 1 });
    const deferred = watchDeferred(server);
    await askFor(4, server);
    expect(deferred).toEqual(Array(3).fill({ error: 'MailBudgetSpentError', template: 'reset-password' }));
  });

  it('are those that left: what the mail server did not take costs nothing', async () => {
    const server = await start({ mailsPerHour: 3 });
    sink.verdict = () => ({ code: 451, text: 'try again later' });
    const users = await askFor(3, server);
    await server.retryNow();
    await server.idle();
    sink.verdict = () => undefined;
    await server.retryNow();
    await server.idle();
    expect(users.map(({ email }) => sink.to(email).length)).toEqual([3, 3, 3]);
    expect(sent(await askFor(1, server))).toBe(0);
  });

  describe('when registrations and changes of address flood it', () => {
    /** Somebody registers so many addresses. */
    const register = async (times: number, server: TestApp) => {
      const emails = Array.from({ length: times }, () => Registrations.someAddress());
      const registrations = new Registrations(server);
      await Promise.all(emails.map((email) => registrations.register(email).expect(202)));
      await server.idle();
      return emails.filter((email) => sink.to(email).length === 1).length;
    };

    it('are kept, a quarter of them, for recovery and notices, and no more of the others leave', async () => {
      const alarms = jest.spyOn(Logger.prototype, 'error');
      const server = await start({ mailsPerHour: 8 });
      const told: RecordedSecurityEvent[] = [];
      server.app.get(SecurityEvents).onEvent((event) => Promise.resolve(void told.push(event)));
      expect(await register(10, server)).toBe(6);
      const [{ id, email }] = (await askFor(1, server)) as [User];
      expect(sink.to(email)).toHaveLength(1);
      const { text } = await PostalMime.parse(sink.to(email)[0]!.raw);
      await server.confirm(tokenIn(text!), 'staple battery horse correct').expect(204);
      await server.idle();
      expect(sink.to(email)).toHaveLength(2);
      expect(alarms.mock.calls.map(([message]) => String(message))).toEqual([
        expect.stringMatching(
          /^6 mails to addresses that anybody can type in have been sent within an hour \(three quarters of MAILS_PER_HOUR\)\./,
        ),
      ]);
      const exceeded = told.filter(({ act }) => act === 'limit_exceeded');
      expect(exceeded.map(({ details }) => details)).toEqual([{ limit: 'mails-to-typed-addresses' }]);
      expect(told.filter(({ userId, outcome }) => userId === id && outcome === 'failure')).toEqual([]);
    });

    it('wait alike whether or not the typed address has an account', async () => {
      const server = await start({ mailsPerHour: 4 });
      expect(await register(3, server)).toBe(3);
      const owner = await server.createUser();
      await new Registrations(server).register(owner.email).expect(202);
      const account = new Account(server);
      const asker = await server.createUser();
      const session = await server.accessTokenFor(asker);
      await account.changeEmail(session, Registrations.someAddress()).expect(202);
      await server.idle();
      await account.changeEmail(session, owner.email).expect(202);
      await server.idle();
      expect(sink.to(owner.email)).toHaveLength(0);
      // The one mail that is left has gone to the owner of the account, as the notice that it is.
      expect(sink.to(asker.email)).toHaveLength(1);
    });

    it('take nothing from their part with those that wait because all are used up', async () => {
      const server = await start({ mailsPerHour: 4 });
      await askFor(4, server);
      const before = sink.asked.length;
      expect(await register(3, server)).toBe(0);
      await nextHour(server, 'mails:');
      await server.retryNow();
      await server.idle();
      expect(sink.asked.length - before).toBe(3);
    });
  });

  it('are any number where MAILS_PER_HOUR is 0', async () => {
    const server = await start({ mailsPerHour: 0 });
    expect(sent(await askFor(20, server))).toBe(20);
  });

  it('wait while they cannot be counted, and are sent once when they can', async () => {
    const server = await start({ mailsPerHour: 5 });
    await server.database.query('ALTER TABLE latchkey.limit_counters RENAME TO gone');
    let users: User[];
    try {
      const deferred = watchDeferred(server);
      users = await askFor(3, server);
      expect(sent(users)).toBe(0);
      expect(deferred).toEqual(Array(3).fill({ error: 'UNAVAILABLE', template: 'reset-password' }));
    } finally {
      await server.database.query('ALTER TABLE latchkey.gone RENAME TO limit_counters');
    }
    await server.retryNow();
    await until(() => sent(users) === 3, 'the mails');
    await server.idle();
    expect(sent(users)).toBe(3);
  });
});

describeWithRedis('all mails of an hour, counted in Redis', () => {
  it('are as many as MAILS_PER_HOUR, of all servers together', async () => {
    const redis = new Redis(redisUrl);
    const keys = await redis.keys('latchkey:limits:mails:*');
    if (keys.length > 0) await redis.del(keys);
    const two = [await start({ mailsPerHour: 5, redisUrl }), await start({ mailsPerHour: 5, redisUrl })];
    expect(sent(await askFor(12, ...two))).toBe(5);
    await redis.del(await redis.keys('latchkey:limits:mails:*'));
    await redis.quit();
  });
});

describe('mails to typed addresses of one domain', () => {
  it('leave minutes later, spread, beyond the number of an hour; none is lost, and no reset is slowed', async () => {
    const server = await start({});
    server.app.get(MailOptions).domainMailsPerHour = 2;
    const domain = `${randomUUID()}.example.com`;
    const emails = Array.from({ length: 6 }, (_, n) => `susan${n}@${domain}`);
    const left = () => emails.filter((email) => sink.to(email).length === 1).length;
    for (const email of emails) await new Registrations(server).register(email).expect(202);
    await server.idle();
    expect(left()).toBe(2);
    const waiting = await server.database.query<{ seconds: number }[]>(
      `SELECT extract(epoch FROM due_at - added_at)::float8 AS seconds FROM latchkey.jobs
      WHERE state = 'waiting' AND tries > 0 AND queue = 'mail'`,
    );
    expect(new Set(waiting.map(({ seconds }) => Math.round(seconds))).size).toBeGreaterThan(1);
    for (const { seconds } of waiting) {
      expect(seconds).toBeGreaterThan(295);
      expect(seconds).toBeLessThan(930);
    }

    const user = await server.createUser({ email: `owner@${domain}` });
    await server.ask(user.email).expect(202);
    await server.idle();
    expect(sink.to(user.email)).toHaveLength(1);

    server.clock.advance(901);
    await server.retryNow();
    await server.idle();
    expect(left()).toBe(6);
  });
});
