import bcrypt from 'bcrypt';
import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Response } from 'supertest';
import { viewsDirectory } from '../../src/common';
import { UsersOptions } from '../../src/users';
import { OWNER, PASSWORD_VECTORS } from '../support/password-vectors';
import { runProgram, temporaryFolder } from '../support/program';
import { PASSWORD, TestApp } from '../support/test-app';

const someAddress = () => `${randomUUID()}@example.com`;

/** A way to set a password. */
interface Road {
  name: string;
  /** Walks it to its end, for a person of its own. */
  set: (server: TestApp, email: string, password: string) => Promise<Response>;
  /** Whether the person can sign in afterwards without having proven the address. */
  signsInAfter: boolean;
}

const ROADS: Road[] = [
  {
    name: 'a reset over REST',
    signsInAfter: true,
    set: async (server, email, password) =>
      server.confirm(await server.tokenFor(await server.createUser({ email, username: OWNER })), password),
  },
  {
    name: 'a reset on its page',
    signsInAfter: true,
    set: async (server, email, password) => {
      const token = await server.tokenFor(await server.createUser({ email, username: OWNER }));
      return submit(server.browser(), `/reset_password/${token}`, { password, password2: password });
    },
  },
  {
    name: 'a change over REST',
    signsInAfter: true,
    set: async (server, email, password) => {
      const token = await server.accessTokenFor(await server.createUser({ email, username: OWNER }));
      return server.http
        .post('/api/users/me/password')
        .set('Authorization', `Bearer ${token}`)
        .send({ currentPassword: PASSWORD, password });
    },
  },
  {
    name: 'a change on its page',
    signsInAfter: true,
    set: async (server, email, password) => {
      await server.createUser({ email, username: OWNER });
      const browser = server.browser();
      await submit(browser, '/login', { email, password: PASSWORD });
      const fields = { currentPassword: PASSWORD, password, password2: password };
      return submit(browser, '/change_password', fields);
    },
  },
  {
    name: 'a registration over REST',
    signsInAfter: false,
    set: async (server, email, password) =>
      server.http.post('/api/users').send({ email, username: OWNER, password }),
  },
  {
    name: 'a registration on its page',
    signsInAfter: false,
    set: (server, email, password) =>
      submit(server.browser(), '/register', { email, username: OWNER, password, password2: password }),
  },
];

async function submit(
  browser: ReturnType<TestApp['browser']>,
  path: string,
  fields: Record<string, string>,
): Promise<Response> {
  const { text } = await browser.get(path).expect(200);
  const _csrf = /name="_csrf" value="([^"]+)"/.exec(text)![1]!;
  return browser
    .post(path)
    .type('form')
    .send({ _csrf, ...fields });
}

const { problems: texts } = JSON.parse(readFileSync(join(viewsDirectory, 'locales', 'en.json'), 'utf8')) as {
  problems: { password: Record<string, string> };
};

/** The codes of all that an answer finds wrong with the password; a page says them in words. */
function reasonsIn({ status, type, body, text }: Response): string[] {
  if (status !== 422) {
    expect([200, 202, 204, 303]).toContain(status);
    return [];
  }
  const reasons =
    type === 'text/html'
      ? Object.entries(texts.password).flatMap(([code, words]) => (text.includes(words) ? [code] : []))
      : (body.errors as { code: string; message: string; field: string }[]).map(
          ({ code, message, field }) => {
            expect({ field, message }).toEqual({
              field: 'password',
              message: expect.stringMatching(/^[A-Z].{15,}\.$/),
            });
            return code;
          },
        );
  expect(reasons).not.toEqual([]);
  return reasons;
}

describe('a password', () => {
  let server: TestApp;
  beforeAll(async () => {
    server = await TestApp.start();
  });
  afterAll(() => server.stop());
  afterEach(() => jest.restoreAllMocks());

  describe.each(ROADS)('set by $name', ({ set, signsInAfter }) => {
    it.each(PASSWORD_VECTORS)('$what: $reasons', async ({ password, reasons }) => {
      const email = someAddress();
      expect(reasonsIn(await set(server, email, password)).sort()).toEqual([...reasons].sort());
      if (!signsInAfter) return;
      const right = reasons.length === 0 ? password : PASSWORD;
      await server.login(email, right).expect(200);
      if (right !== right.trim()) await server.login(email, right.trim()).expect(401);
    });

    it('of a megabyte is cut off, and one of 20,000 characters refused, before it is hashed', async () => {
      const hashed = jest.spyOn(bcrypt, 'hash');
      const email = someAddress();
      const { status } = await set(server, email, 'x'.repeat(1024 * 1024));
      expect(status).toBe(413);
      const inputs = hashed.mock.calls.length;
      const answer = await set(server, someAddress(), 'x'.repeat(20_000));
      expect(reasonsIn(answer)).toEqual(['too_long']);
      // No more than what the preparation of the second person takes, as it did that of the first.
      expect(hashed.mock.calls.length - inputs).toBe(inputs);
    });
  });

  it('is the same however its accents are typed, and no other that looks alike', async () => {
    const user = await server.createUser();
    await server.confirm(await server.tokenFor(user), 'jos\u00e9 types a long oﬃce password').expect(204);
    await server.login(user.email, 'jose\u0301 types a long oﬃce password').expect(200);
    await server.login(user.email, 'jos\u00e9 types a long office password').expect(401);
    await server.login(user.email, 'jose types a long oﬃce password').expect(401);
  });

  it('is refused by the operator\u2019s command for the same reasons', async () => {
    const create = (input: string) =>
      runProgram('cli', {
        cwd: temporaryFolder(),
        env: { DATABASE_URL: process.env['TEST_DATABASE_URL']!, BCRYPT_COST: '4' },
        args: ['users', 'create', '--email', someAddress(), '--username', OWNER],
        input: `${input}\n`,
      });
    const samples = new Map(PASSWORD_VECTORS.map((vector) => [vector.reasons.join(), vector]));
    expect([...samples.keys()].sort()).toEqual([
      '',
      'common',
      'contains_account',
      'too_long',
      'too_short',
      'too_short,contains_account',
    ]);
    for (const { password, reasons } of samples.values()) {
      const { status, stdout, stderr } = await create(password);
      expect(status).toBe(reasons.length > 0 ? 1 : 0);
      expect((stderr.match(/[^.:]+\./g) ?? []).length).toBe(reasons.length);
      expect(stdout + stderr).not.toContain(password);
    }
    // Six programs, one after the other.
  }, 60_000);
});

describe('a password from a breach', () => {
  const BREACHED = 'my grandmother knew this one';
  const digits = createHash('sha1').update(BREACHED).digest('hex').toUpperCase();
  let service: Server;
  let server: TestApp;

  beforeAll(async () => {
    service = createServer((_, response) => response.end(`${digits.slice(5)}:3\r\n`)).listen(0, '127.0.0.1');
    await once(service, 'listening');
    server = await TestApp.start({ settings: { passwordBreachCheck: 'on' } });
    server.app.get(UsersOptions).passwordBreachUrl = urlOf(service);
  });
  afterAll(async () => {
    await server.stop();
    service.closeAllConnections();
    service.close();
  });

  const urlOf = (http: Server) => `http://127.0.0.1:${(http.address() as AddressInfo).port}`;

  it.each(ROADS)('is refused by $name', async ({ set }) => {
    expect(reasonsIn(await set(server, someAddress(), BREACHED))).toEqual(['breached']);
  });

  it('is recognized by the built program, which has to load an ES module for it', async () => {
    const script = `
      const { BreachedPasswords } = require('./dist/users/breached-passwords.js');
      const options = { passwordBreachCheck: true, passwordBreachUrl: process.argv[1] };
      new BreachedPasswords(options).include(process.argv[2]).then((breached) => console.log({ breached }));`;
    const run = async (password: string) => {
      const args = ['-e', script, urlOf(service), password];
      const { stdout, stderr } = await promisify(execFile)(process.execPath, args, {
        cwd: join(__dirname, '..', '..'),
      });
      return stdout + stderr;
    };
    expect(await run(BREACHED)).toBe('{ breached: true }\n');
    expect(await run('nobody has ever had this one')).toBe('{ breached: false }\n');
  });
});
