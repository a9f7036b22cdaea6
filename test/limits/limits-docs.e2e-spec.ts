import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { AccountOptions } from '../../src/account';
import { BODY_LIMIT_BYTES } from '../../src/server/app.setup';
import { AuthOptions } from '../../src/auth';
import { readSettings } from '../../src/server/settings';
import { HOURLY_LIMIT_FACTOR, NETWORK_LIMIT_FACTOR, REPEATED_CONFIRMATIONS } from '../../src/limits';
import { MailOptions } from '../../src/mail';
import { UsersOptions } from '../../src/users';
import { Account } from '../support/account';
import { Registrations } from '../support/registrations';
import { TestApp } from '../support/test-app';

interface Row {
  limit: string;
  name: string;
  number: number;
  /** Seconds; 0 for "at a time". */
  window: number;
  answer: string;
  setting: string;
}

const SECONDS: Record<string, number> = { second: 1, minute: 60, hour: 3600 };

const text = readFileSync(resolve(__dirname, '..', '..', 'docs', 'limits.md'), 'utf8');
const rows: Row[] = text
  .split('\n')
  .filter((line) => line.startsWith('|'))
  .slice(2)
  .map((line) => {
    const [limit, name, , number, window, answer, setting] = line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.replaceAll('`', '').trim());
    const [, count, unit] = /^(\d+) (\w+?)s?$/.exec(window!) ?? [];
    return {
      limit: limit!,
      name: name!,
      number: Number(number!.replace(',', '')),
      window: unit ? Number(count) * SECONDS[unit]! : 0,
      answer: answer!,
      setting: setting!,
    };
  });
const row = (setting: string) => rows.find((candidate) => candidate.setting === setting)!;

describe('docs/limits.md', () => {
  it('tells the defaults, and no other', () => {
    const settings = readSettings({});
    const [auth, users] = [new AuthOptions(), new UsersOptions()];
    const [mail, account] = [new MailOptions(), new AccountOptions()];
    const defaults: Record<string, [number: number, window: number]> = {
      LIMIT_PER_MINUTE: [settings.limitPerMinute, 60],
      LIMIT_PER_HOUR: [HOURLY_LIMIT_FACTOR * settings.limitPerMinute, 3600],
      'fifty times LIMIT_PER_MINUTE': [NETWORK_LIMIT_FACTOR * settings.limitPerMinute, 60],
      'fifty times LIMIT_PER_HOUR': [
        NETWORK_LIMIT_FACTOR * HOURLY_LIMIT_FACTOR * settings.limitPerMinute,
        3600,
      ],
      'AuthOptions.failuresPerSource': [auth.failuresPerSource, 3600],
      'AuthOptions.failuresPerAccountAndSource': [auth.failuresPerAccountAndSource, 900],
      'AuthOptions.failuresPerAccount': [auth.failuresPerAccount, 86_400],
      'AuthOptions.reauthenticationFailuresPerSession': [auth.reauthenticationFailuresPerSession, 900],
      'AuthOptions.reauthenticationFailuresPerAccount': [auth.reauthenticationFailuresPerAccount, 86_400],
      MAILS_PER_HOUR: [settings.mailsPerHour, 3600],
      'three quarters of MAILS_PER_HOUR': [(settings.mailsPerHour / 4) * 3, 3600],
      RESET_MAILS_PER_HOUR: [settings.resetMailsPerHour, 3600],
      RESET_COOLDOWN: [1, settings.resetCooldown],
      RESET_QUIET_PERIOD: [0, settings.resetQuietPeriod],
      'MailOptions.domainMailsPerHour': [mail.domainMailsPerHour, 3600],
      'MailOptions.mailboxCooldownSeconds': [1, mail.mailboxCooldownSeconds],
      'MailOptions.mailboxSpacingSeconds': [1, mail.mailboxSpacingSeconds],
      'AccountOptions.changesPerHour': [account.changesPerHour, 3600],
      'AccountOptions.changeSpacingSeconds': [1, account.changeSpacingSeconds],
      'AuthOptions.maxSessions': [auth.maxSessions, 0],
      'UsersOptions.hashQueueLimit': [users.hashQueueLimit, 0],
      'none: fixed': [REPEATED_CONFIRMATIONS.events, REPEATED_CONFIRMATIONS.seconds],
      none: [BODY_LIMIT_BYTES, 0],
    };
    const told = rows.map(({ setting, number, window }) => [setting, [number, window]]);
    expect(Object.fromEntries(told)).toEqual(defaults);
    expect(told).toHaveLength(Object.keys(defaults).length);
  });

  describe('is what happens', () => {
    let server: TestApp;

    beforeAll(async () => {
      const { failuresPerSource } = new AuthOptions();
      server = await TestApp.start({
        settings: { limitPerMinute: 20, limitPerHour: undefined, trustProxy: 1 },
        failuresPerSource,
      });
      await server.database.query('DELETE FROM latchkey.limit_counters');
    });
    afterAll(async () => {
      await server.database.query('DELETE FROM latchkey.limit_counters');
      await server.stop();
    });

    it('by name and window of every counter', async () => {
      const user = await server.createUser();
      const token = await server.tokenFor(user);
      const session = await server.accessTokenFor(user);
      await server.login(user.email, 'a wrong password').expect(401);
      await new Registrations(server).register(Registrations.someAddress()).expect(202);
      await new Account(server).changePassword(session, 'staple battery horse correct', 'wrong').expect(403);
      for (let n = 0; n < 2; n++) await server.confirm(token, 'staple battery horse correct').expect(204);
      await server.look('x').set('X-Forwarded-For', '2001:db8::1').expect(400);
      await server.idle();
      const left: { name: string; seconds: number }[] = await server.database.query(
        `SELECT split_part(key, ':', 1) AS name, expire / 1000 - extract(epoch FROM now())::int AS seconds
         FROM latchkey.limit_counters`,
      );
      const counted = new Map(left.map(({ name, seconds }) => [name, Number(seconds)]));
      const named = rows.filter(({ name }) => name !== '');
      const ACTIONS: Record<string, string[]> = {
        source: [
          'login',
          'password-change',
          'password-reset',
          'password-reset-confirm',
          'password-reset-verify',
          'registration',
        ],
        network: ['password-reset-verify'],
      };
      expect([...counted.keys()].sort()).toEqual(
        named
          .flatMap(({ name }) => {
            const [kind] = name.split('-');
            const actions = name.includes('<action>') ? ACTIONS[kind!]! : [''];
            return actions.map((action) => name.replace('<action>', action));
          })
          .sort(),
      );
      for (const { name, window } of named) {
        const seconds = counted.get(name.replace('<action>', 'password-reset-verify'))!;
        expect([name, seconds > window - 20, seconds <= window + 1]).toEqual([name, true, true]);
      }
    });

    it('by number and answer, for requests of one source', async () => {
      const { number, answer } = row('LIMIT_PER_MINUTE');
      const look = () => server.look('x').set('X-Forwarded-For', '192.0.2.1');
      for (let n = 0; n < number; n++) await look().expect(400);
      const { status, body } = await look();
      expect(`${status} ${body.code}`).toBe(answer);
    });

    it('by answer, for a body that is too large', async () => {
      const { number, answer } = row('none');
      const send = (length: number) =>
        server.http
          .post('/api/password-reset')
          .set({ 'X-Forwarded-For': '192.0.2.2', 'Content-Type': 'application/json' })
          .send(`{"email":"a@b.example"}`.padEnd(length));
      await send(number).expect(202);
      const { status, body } = await send(number + 1);
      expect(`${status} ${body.code}`).toBe(answer);
    });

    it('by answer, where too many passwords wait to be hashed', async () => {
      server.app.get(UsersOptions).hashQueueLimit = 0;
      const { status, body } = await server.login('a@b.example', 'x').set('X-Forwarded-For', '192.0.2.3');
      expect(`${status} ${body.code}`).toBe(row('UsersOptions.hashQueueLimit').answer);
    });
  });
});
