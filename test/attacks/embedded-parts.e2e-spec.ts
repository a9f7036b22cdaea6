import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { connect, Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { EmbeddedDatabase, openEmbeddedDatabase } from '../../src/server/embedded-database';
import { run } from '../support/sql';
import { START_PATIENCE_MS, temporaryFolder } from '../support/program';

jest.setTimeout(START_PATIENCE_MS);

let folder: string;
let database: EmbeddedDatabase;

beforeAll(async () => {
  // A folder that everybody may read, as some are made before the first start.
  folder = join(temporaryFolder(), 'data');
  mkdirSync(folder, { mode: 0o755 });
  database = await openEmbeddedDatabase(folder);
}, START_PATIENCE_MS);
afterAll(() => database.close());

const socketOf = ({ url }: EmbeddedDatabase) => join(new URL(url).searchParams.get('host')!, '.s.PGSQL.5432');

/** What a stranger reads who sends some bytes and then nothing more. */
async function answerTo(socket: Socket, bytes: Buffer): Promise<string> {
  let answer = '';
  socket.on('error', () => undefined).on('data', (chunk) => (answer += chunk.toString()));
  await once(socket, 'connect');
  socket.end(bytes);
  await once(socket, 'close');
  return answer;
}

const serves = () => expect(run(database.url, 'SELECT 1 AS one')).resolves.toEqual([{ one: 1 }]);

describe('A101 SQL for everybody on the machine: the embedded database is reached by its own only', () => {
  it('listens on a socket in a folder that only this user may enter, and on no port', async () => {
    expect(statSync(dirname(socketOf(database))).mode & 0o777).toBe(0o700);
    expect(dirname(dirname(socketOf(database)))).toBe(folder);
    await serves();
  });

  it('listens in a temporary folder of this user, where the path of the data is too long for a socket', async () => {
    const long = join(temporaryFolder(), 'x'.repeat(100));
    const other = await openEmbeddedDatabase(long);
    try {
      expect(statSync(dirname(socketOf(other))).mode & 0o777).toBe(0o700);
      await expect(run(other.url, 'SELECT 1 AS one')).resolves.toEqual([{ one: 1 }]);
    } finally {
      await other.close();
    }
  });

  it.each(['', 'SELECT 1', 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'])(
    'says nothing on the port of its guard to %j',
    async (words) => {
      const [claim] = readdirSync(join(folder, 'postgres.lock')).filter((name) => name.endsWith('.json'));
      const file = join(folder, 'postgres.lock', claim!);
      expect(statSync(file).mode & 0o777).toBe(0o600);
      const { port } = JSON.parse(readFileSync(file, 'utf8')) as { port: number };
      expect(await answerTo(connect(port, '127.0.0.1'), Buffer.from(words))).toBe('');
      await serves();
    },
  );
});

describe('A102 malformed greeting: no bytes bring the embedded database down', () => {
  const length = (value: number) => {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32BE(value);
    return bytes;
  };
  const version = length(0x30000);

  it.each<[string, Buffer]>([
    ['eight zero bytes', Buffer.alloc(8)],
    ['a kilobyte of zeros', Buffer.alloc(1024)],
    ['a greeting of 8 bytes, without a user', Buffer.concat([length(8), version])],
    ['a greeting that is shorter than its length', Buffer.concat([length(7), version])],
    ['a greeting of no length', Buffer.concat([length(0), version])],
    ['a greeting of a negative length', Buffer.concat([length(-1), version, Buffer.alloc(9)])],
    ['a query of no length', Buffer.concat([Buffer.from('Q'), length(0), Buffer.alloc(8)])],
    ['a query of a negative length', Buffer.concat([Buffer.from('Q'), length(-5), Buffer.alloc(8)])],
    ['a request of HTTP', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    ['all ones', Buffer.alloc(64, 0xff)],
  ])('%s', async (_, bytes) => {
    await answerTo(connect(socketOf(database)), bytes);
    await serves();
  });
});
