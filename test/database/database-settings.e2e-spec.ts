import { Test } from '@nestjs/testing';
import { DatabaseModule } from '../../src/database';
import { DatabaseClient } from '../../src/database/database-client';
import { checkServer } from '../../src/database/server-check';
import { migrate } from '../../src/migrate';
import { describeOnServer, emptyDatabase, SpareDatabase } from '../support/database';
import { run } from '../support/sql';
import { TestApp } from '../support/test-app';

const administer = (sql: string) => run(process.env['DATABASE_URL']!, sql);

describeOnServer('a database with settings of its own', () => {
  let database: SpareDatabase;

  const use = async (options = '', ...settings: string[]) => {
    database = await emptyDatabase(options);
    for (const setting of settings) await administer(`ALTER DATABASE ${database.name} SET ${setting}`);
  };

  afterEach(() => database.close());

  it.each(['datestyle = German', "datestyle = 'SQL, DMY'"])(
    'serves all the road, whatever its style of dates: %s',
    async (setting) => {
      await use('', setting);
      await servesTheRoad();
    },
  );

  it('serves all the road with no search path, and other ways to write times, bytes and strings', async () => {
    await use(
      '',
      `search_path = ''`,
      `timezone = 'Asia/Kathmandu'`,
      'intervalstyle = iso_8601',
      'bytea_output = escape',
      'client_encoding = LATIN1',
      'standard_conforming_strings = off',
      'extra_float_digits = -15',
    );
    await servesTheRoad();
  });

  it.each(['serializable', 'repeatable read'])(
    'stops migrate and the start, with the cure, where transactions begin as %s',
    async (level) => {
      await use('', `default_transaction_isolation = '${level}'`);
      await stopsWith(
        new RegExp(`begin as ${level}.*ALTER ROLE … SET default_transaction_isolation = 'read committed'`),
      );
    },
  );

  it.each(['LATIN1', 'SQL_ASCII'])(
    'stops migrate and the start, with the cure, where its encoding is %s',
    async (name) => {
      await use(`ENCODING '${name}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0`);
      await stopsWith(new RegExp(`encoding ${name}.*CREATE DATABASE … ENCODING 'UTF8'`));
    },
  );

  it('stops with the cure where a pooler keeps the style of dates to itself', async () => {
    await use('', 'datestyle = German');
    jest
      .spyOn(DatabaseClient.prototype as unknown as { getStartupConf(): object }, 'getStartupConf')
      .mockReturnValue({ user: new URL(database.url).username, database: database.name });
    await expect(checkServer({ connectionString: database.url }, {})).rejects.toThrow(
      /style German.*ALTER ROLE … SET datestyle = 'ISO'/,
    );
    jest.restoreAllMocks();
  });

  const stopsWith = async (message: RegExp) => {
    await expect(migrate(database.url)).rejects.toThrow(message);
    const start = Test.createTestingModule({ imports: [DatabaseModule.forRoot({ url: database.url })] });
    await expect(start.compile()).rejects.toThrow(message);
  };

  const servesTheRoad = async () => {
    await migrate(database.url);
    const app = await TestApp.start({ settings: { databaseUrl: database.url } });
    try {
      const user = await app.createUser({ username: 'Žofie 王 \\' });
      const token = await app.tokenFor(user);
      const password = 'a new and long enough password';
      const answers = await Promise.all(Array.from({ length: 12 }, () => app.confirm(token, password)));
      expect(answers.filter(({ status }) => status === 204).length).toBeGreaterThanOrEqual(1);
      expect(answers.filter(({ status }) => ![204, 410].includes(status))).toEqual([]);
      const accessToken = await app.accessTokenFor(user, password);
      const { body } = await app.me(accessToken).expect(200);
      expect(body).toMatchObject({ username: 'Žofie 王 \\' });
      await app.sessionsOf(accessToken).expect(200);
    } finally {
      await app.stop();
    }
  };
});
