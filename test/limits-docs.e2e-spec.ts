import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { AccountOptions } from '../src/account';
import { BODY_LIMIT_BYTES } from '../src/app.setup';
import { AuthOptions } from '../src/auth';
import { readSettings } from '../src/env';
import { RegistrationOptions } from '../src/registration';
import { UsersOptions } from '../src/users';
import { Registrations } from './support/registrations';
import { TestApp } from './support/test-app';

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

const text = readFileSync(resolve(__dirname, '..', 'docs', 'limits.md'), 'utf8');
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
    const [registration, account] = [new RegistrationOptions(), new AccountOptions()];
    const defaults: Record<string, [number: number, window: number]> = {
      LIMIT_PER_MINUTE: [settings.limitPerMinute, 60],
      'AuthOptions.failuresPerSource': [auth.failuresPerSource, 3600],
      'AuthOptions.failuresPerAccountAndSource': [auth.failuresPerAccountAndSource, 900],
      'AuthOptions.failuresPerAccount': [auth.failuresPerAccount, 86_400],
      MAILS_PER_HOUR: [settings.mailsPerHour, 3600],
      'three quarters of MAILS_PER_HOUR': [(settings.mailsPerHour / 4) * 3, 3600],
      RESET_MAILS_PER_HOUR: [settings.resetMailsPerHour, 3600],
      RESET_COOLDOWN: [1, settings.resetCooldown],
      RESET_QUIET_PERIOD: [0, settings.resetQuietPeriod],
      'RegistrationOptions.mailsPerHour': [registration.mailsPerHour, 3600],
      'RegistrationOptions.cooldownSeconds': [1, registration.cooldownSeconds],
      'AccountOptions.changesPerHour': [account.changesPerHour, 3600],
      'AccountOptions.mailsPerHour': [account.mailsPerHour, 3600],
      'AuthOptions.maxSessions': [auth.maxSessions, 0],
      'UsersOptions.hashQueueLimit': [users.hashQueueLimit, 0],
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
      server = await TestApp.start({ settings: { limitPerMinute: 20, trustProxy: 1 }, failuresPerSource });
      await server.database.query('DELETE FROM latchkey.limit_counters');
    });
    afterAll(async () => {
      await server.database.query('DELETE FROM latchkey.limit_counters');
      await server.stop();
    });

    it('by name and window of every counter', async () => {
      const user = await server.createUser();
      await server.tokenFor(user);
      await server.login(user.email, 'a wrong password').expect(401);
      await new Registrations(server).register(Registrations.someAddress()).expect(202);
      await server.idle();
      const left: { name: string; seconds: number }[] = await server.database.query(
        `SELECT split_part(key, ':', 1) AS name, expire / 1000 - extract(epoch FROM now())::int AS seconds
         FROM latchkey.limit_counters`,
      );
      const counted = new Map(left.map(({ name, seconds }) => [name, Number(seconds)]));
      const named = rows.filter(({ name }) => name !== '');
      expect([...counted.keys()].sort()).toEqual(
        named
          .flatMap(({ name }) =>
            name === 'source-<action>'
              ? ['source-login', 'source-password-reset', 'source-registration']
              : [name],
          )
          .sort(),
      );
      for (const { name, window } of named) {
        const seconds = counted.get(name.replace('<action>', 'login'))!;
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
