import { Logger } from '@nestjs/common';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { BreachedPasswords } from './breached-passwords';
import { DefaultPasswordPolicy } from './default-password-policy';
import { PasswordStrength } from './password-strength';
import { UsersOptions } from './users.options';

const BREACHED = 'jos\u00e9 was here before you';
const SUSAN = { email: 'susan@example.com', username: 'Susan' };

const sha1 = (text: string) => createHash('sha1').update(text).digest('hex').toUpperCase();

/** Answers as the range API does: the breached one, a padding line that must not count, one that is nobody's. */
const asRange = (_: IncomingMessage, response: ServerResponse) => {
  const padding = sha1('padding looks like this');
  response.end(
    [`${sha1(BREACHED).slice(5)}:42`, `${padding.slice(5)}:0`, `${'0'.repeat(35)}:7`].join('\r\n'),
  );
};

describe('BreachedPasswords', () => {
  let server: Server;
  let answer: (request: IncomingMessage, response: ServerResponse) => void;
  let requests: IncomingMessage[];
  let log: { warn: jest.SpyInstance; log: jest.SpyInstance };

  beforeAll(async () => {
    server = createServer((request, response) => {
      requests.push(request);
      answer(request, response);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  beforeEach(() => {
    requests = [];
    answer = asRange;
    log = {
      warn: jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined),
      log: jest.spyOn(Logger.prototype, 'log').mockImplementation(() => undefined),
    };
  });
  afterEach(() => jest.restoreAllMocks());

  const options = (more: Partial<UsersOptions> = {}) =>
    Object.assign(
      new UsersOptions(),
      {
        passwordBreachCheck: true,
        passwordBreachUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      },
      more,
    );
  const policy = (more: Partial<UsersOptions> = {}) =>
    new DefaultPasswordPolicy(options(more), new PasswordStrength(), new BreachedPasswords(options(more)));

  it('asks nobody anything unless it is switched on', async () => {
    expect(new UsersOptions().passwordBreachCheck).toBe(false);
    expect(await policy({ passwordBreachCheck: false }).check(BREACHED, SUSAN)).toEqual([]);
    expect(requests).toEqual([]);
  });

  it('refuses a password from a breach, however its accents are typed', async () => {
    for (const typed of [BREACHED, BREACHED.normalize('NFD')]) {
      expect(await policy().check(typed, SUSAN)).toEqual([
        {
          reason: 'breached',
          message: 'Choose another one: this one has appeared in a data breach elsewhere.',
        },
      ]);
    }
  });

  it.each(['nobody has ever had this one', 'padding looks like this'])('takes "%s"', async (password) => {
    expect(await policy().check(password, SUSAN)).toEqual([]);
    expect(requests).toHaveLength(1);
  });

  it('lets 5 digits of the hash out, and nothing else of the password', async () => {
    await policy().check(BREACHED, SUSAN);
    const [{ url, method, headers, rawHeaders }] = requests as [IncomingMessage];
    expect([method, url]).toEqual(['GET', `/range/${sha1(BREACHED).slice(0, 5)}?mode=sha1`]);
    expect(headers['add-padding']).toBe('true');
    const sent = `${url} ${rawHeaders.join(' ')}`.toUpperCase();
    expect(sent).not.toContain(sha1(BREACHED).slice(0, 6));
    expect(sent).not.toContain('SUSAN');
  });

  it.each(['too short', 'passwordpassword', 'susan is susan!!'])(
    'asks nothing about "%s", which is refused anyway',
    async (password) => {
      expect(await policy().check(password, SUSAN)).toHaveLength(1);
      expect(requests).toEqual([]);
    },
  );

  describe('in an outage', () => {
    it.each<[string, typeof answer]>([
      ['hangs up', (request) => void request.socket.destroy()],
      ['answers 503', (_, response) => void response.writeHead(503).end()],
      ['answers 400', (_, response) => void response.writeHead(400).end('what?')],
      ['says nothing', () => undefined],
      ['stops in the middle', (_, response) => void response.write(`${sha1(BREACHED).slice(5)}`)],
    ])('where the service %s, takes the password and says so once', async (_, failing) => {
      const sut = new BreachedPasswords(options());
      answer = failing;
      expect(await Promise.all([1, 2, 3].map(() => sut.include(BREACHED)))).toEqual([false, false, false]);
      expect(log.warn.mock.calls).toEqual([
        ['The breach check does not answer; new passwords are accepted without it.'],
      ]);
      expect(log.log).not.toHaveBeenCalled();

      answer = asRange;
      expect(await sut.include(BREACHED)).toBe(true);
      expect(await sut.include(BREACHED)).toBe(true);
      expect(log.log.mock.calls).toEqual([['The breach check answers again.']]);

      answer = failing;
      await sut.include(BREACHED);
      expect(log.warn).toHaveBeenCalledTimes(2);
    });

    it('keeps to the rules that need nobody else', async () => {
      answer = (request) => void request.socket.destroy();
      const sut = policy();
      expect(await sut.check('nobody has ever had this one', SUSAN)).toEqual([]);
      expect(await sut.check('passwordpassword', SUSAN)).toMatchObject([{ reason: 'common' }]);
    });
  });
});
