import { createHash, randomUUID } from 'node:crypto';
import type { Response } from 'supertest';
import type { User } from '../../src/users';
import { readJwt } from '../support/jwt';
import type { CaughtMail } from '../support/mail-reader';
import { sendAsIs, writeToSocket } from '../support/raw-request';
import { PASSWORD, TestApp } from '../support/test-app';
import {
  Browser,
  comparable,
  csrfOf,
  expectNoEffect,
  linkedToken,
  mailsCausedBy,
  NEW_PASSWORD,
  ORIGIN,
  postJson,
  SENDER,
  signIn,
  startTarget,
  submit,
  urlsIn,
} from './support';

const EVIL = 'evil@attacker.example';

describe('who receives the mail', () => {
  let server: TestApp;
  let victim: User;
  let insider: User;
  let accessToken: string;
  let visitor: Browser;
  let signedIn: Browser;

  beforeAll(async () => {
    // One proxy in front: the setting under which a server believes the most of what a client writes.
    server = await startTarget({ settings: { trustProxy: 1 } });
    insider = await server.createUser();
    accessToken = await server.accessTokenFor(insider);
    visitor = server.browser();
    signedIn = server.browser();
    await signIn(signedIn, insider.email, PASSWORD);
  });
  afterAll(() => server.stop());

  beforeEach(async () => {
    victim = await server.createUser({ email: `mike.skid@${randomUUID()}.example` });
  });

  const domainOf = ({ email }: User) => email.split('@')[1]!;
  const recipients = (mails: CaughtMail[]) => mails.map(({ envelope }) => envelope.to);

  /** Every way in that takes an address, by the JSON or the text of it. */
  const REST_DOORS: [path: string, others: object][] = [
    ['/api/password-reset', {}],
    ['/api/auth/login', { password: PASSWORD }],
    ['/api/users', { username: 'Mike', password: NEW_PASSWORD }],
    ['/api/users/me/email', { currentPassword: PASSWORD }],
  ];
  const PAGE_DOORS: [path: string, others: Record<string, string>, signedIn?: true][] = [
    ['/reset_password_request', {}],
    ['/login', { password: PASSWORD }],
    ['/register', { username: 'Mike', password: NEW_PASSWORD, password2: NEW_PASSWORD }],
    ['/change_email', { currentPassword: PASSWORD }, true],
  ];

  const throughRest = ([path, others]: (typeof REST_DOORS)[number], emailJson: string) =>
    postJson(
      server,
      path,
      JSON.stringify({ ...others, email: 'x' }).replace('"email":"x"', `"email":${emailJson}`),
      accessToken,
    );
  const throughPage = ([path, others, inside]: (typeof PAGE_DOORS)[number], email: string) =>
    submit(inside ? signedIn : visitor, path, { ...others, email }, inside && { formOf: path });

  /** Tries an address at every door: each says that it is none, and nothing happens. */
  const expectNoAddress = (email: string) =>
    expectNoEffect(server, async () => {
      for (const door of REST_DOORS) {
        const { status, body } = await throughRest(door, JSON.stringify(email));
        expect([door[0], status, body.code]).toEqual([door[0], 400, 'VALIDATION_FAILED']);
      }
      for (const door of PAGE_DOORS) {
        const { status } = await throughPage(door, email);
        // What is typed into the login form is compared, not judged.
        const refusals = door[0] === '/login' ? [400, 401] : [400];
        expect({ door: door[0], refusals }).toEqual({
          door: door[0],
          refusals: expect.arrayContaining([status]),
        });
      }
    });

  describe('A1 list of addresses: mails nobody but the stored address', () => {
    it.each([
      ['a list', (email: string) => `["${email}","${EVIL}"]`],
      ['a list of one', (email: string) => `["${email}"]`],
      ['a list in a list', (email: string) => `[["${email}","${EVIL}"]]`],
      ['an object', (email: string) => `{"0":"${email}","1":"${EVIL}"}`],
      ['a recipient with a name', (email: string) => `{"name":"x","address":"${email}"}`],
    ])('refuses %s', async (_, json) => {
      await expectNoEffect(server, async () => {
        for (const door of REST_DOORS) {
          const { status, body } = await throughRest(door, json(victim.email));
          expect([door[0], status, body.code]).toEqual([door[0], 400, 'VALIDATION_FAILED']);
        }
      });
    });

    it.each(['to', 'cc', 'bcc', 'recipients', 'email[]', 'email[1]', 'emails', 'Email'])(
      'refuses a second address in the field %s',
      async (field) => {
        await expectNoEffect(server, async () => {
          for (const door of REST_DOORS) {
            const { status } = await throughRest(door, `"${victim.email}","${field}":"${EVIL}"`);
            expect([door[0], status]).toEqual([door[0], 400]);
          }
        });
      },
    );

    it('refuses a form that names two', async () => {
      await expectNoEffect(server, async () => {
        const twice = `email=${victim.email}&email=${EVIL}`;
        expect((await submit(visitor, '/reset_password_request', twice)).status).toBe(400);
      });
    });

    it.each([
      ['one more in the query', '?email=evil@attacker.example', ''],
      ['a list in the query', '?email[]=evil@attacker.example&to=evil@attacker.example', ''],
      ['other fields in the form', '', '&email[]=evil@attacker.example&to=evil@attacker.example'],
    ])('mails the one of the body alone, given %s', async (_, query, more) => {
      const mails = await mailsCausedBy(server, async () => {
        const path = `/reset_password_request${query}`;
        const { status } = await submit(visitor, path, `email=${victim.email}${more}`);
        expect(status).toBe(303);
        await postJson(server, `/api/password-reset${query}`, `{"email":"${victim.email}"}`).expect(202);
      });
      expect(recipients(mails)).toEqual([[victim.email], [victim.email]]);
    });

    it('mails one of two where JSON holds the same field twice', async () => {
      const mails = await mailsCausedBy(server, () =>
        postJson(server, '/api/password-reset', `{"email":"${EVIL}","email":"${victim.email}"}`).expect(202),
      );
      expect(recipients(mails)).toEqual([[victim.email]]);
      const others = await mailsCausedBy(server, () =>
        postJson(server, '/api/password-reset', `{"email":"${victim.email}","email":"${EVIL}"}`).expect(202),
      );
      expect(others).toEqual([]);
    });
  });

  /** An account that came past our doors, by an import or from before there were any. */
  const plant = async (email: string, emailKey = email) =>
    server.database.query(
      `INSERT INTO latchkey.users (id, email, email_key, username, password_hash, created_at)
       VALUES ($1, $2, $3, 'Planted', '!', now())`,
      [randomUUID(), email, emailKey],
    );

  describe.each([
    [
      'A2 Unicode case collision: no twin can register, ask, or be taken for the victim',
      [
        ['Kelvin sign', 'k', '\u212a'],
        ['long s', 's', '\u017f'],
        ['dotless i', 'i', '\u0131'],
        ['dotted capital I', 'i', '\u0130'],
      ],
    ],
    [
      'A3 accent-insensitive collation: no look-alike is taken for the victim',
      [
        ['combining accent that is a twin of another', 'e', 'e\u0341'],
        ['full width', 'm', '\uff4d'],
        ['superscript', 'i', '\u2071'],
        ['ligature', 's', '\ufb06'],
        ['mathematical letter', 'd', '\u{1d5bd}'],
        ['zero-width space', 'i', 'i\u200b'],
        ['soft hyphen', 'i', 'i\u00ad'],
      ],
    ],
  ] as [string, [name: string, letter: string, twin: string][]][])('%s', (_, twins) => {
    it.each(twins)('%s', async (_, letter, twin) => {
      const email = victim.email.replace(letter, twin);
      expect(email).not.toBe(victim.email);
      await expectNoAddress(email);
      await expectNoAddress(`mike@${twin}${domainOf(victim)}`);
      await plant(email);
      for (const typed of [victim.email, victim.email.toUpperCase()]) {
        const mails = await mailsCausedBy(server, () => server.ask(typed).expect(202));
        expect(recipients(mails)).toEqual([[victim.email]]);
      }
    });
  });

  it.each([
    ['one code point', '\u00e9'],
    ['two', 'e\u0301'],
  ])(
    'A3 accent-insensitive collation: an accented address is another one, typed as %s',
    async (_, letter) => {
      const email = victim.email.replace('e', letter);
      const mails = await mailsCausedBy(server, async () => {
        await server.ask(email).expect(202);
        await server.login(email, PASSWORD).expect(401);
      });
      expect(mails).toEqual([]);
    },
  );

  it('A3 accent-insensitive collation: addresses and counters are compared byte by byte', async () => {
    const columns = await server.database.query<{ name: string; collation: string }[]>(
      `SELECT table_name || '.' || column_name AS name, collation_name AS collation
       FROM information_schema.columns WHERE table_schema = 'latchkey' AND column_name IN ('email_key', 'key')`,
    );
    expect(columns).toHaveLength(5);
    for (const column of columns) expect(column).toEqual({ name: column.name, collation: 'C' });
  });

  describe('A4 validate before normalize: takes no character that normalizes to another', () => {
    it.each([
      ['full-width @', '\uff20'],
      ['small @', '\ufe6b'],
      ['one dot leader', '\u2024'],
      ['full-width dot', '\uff0e'],
      ['ideographic full stop', '\u3002'],
      ['full-width comma', '\uff0c'],
      ['ligature', '\ufb01'],
      ['Ohm sign', '\u2126'],
    ])('%s', async (_, character) => {
      await expectNoAddress(`mike${character}${domainOf(victim)}`);
      await expectNoAddress(`mike${character}skid@${domainOf(victim)}`);
      await expectNoAddress(`mike@${character}${domainOf(victim)}`);
    });

    it('keeps an address as it was checked, and its domain as it is asked of DNS', async () => {
      const domain = `${randomUUID()}.Example`;
      const email = `Rene\u00e9.O'Neil+Tag@B\u00fccher.${domain}`;
      const [mail] = await mailsCausedBy(server, () =>
        postJson(
          server,
          '/api/users',
          JSON.stringify({ email, username: 'Rene', password: NEW_PASSWORD }),
        ).expect(202),
      );
      await postJson(
        server,
        '/api/users/verify',
        JSON.stringify({ token: linkedToken(mail!, 'verify_email'), password: NEW_PASSWORD }),
      ).expect(204);
      const { body } = await server.login(email, NEW_PASSWORD).expect(200);
      const { accessToken } = body as { accessToken: string };
      expect((await server.me(accessToken)).body).toMatchObject({
        email: `Rene\u00e9.O'Neil+Tag@xn--bcher-kva.${domain.toLowerCase()}`,
      });
    });
  });

  describe('A5 comma and list syntax: takes one address, not a list', () => {
    it.each([',', ';', ' ', ', ', '\n', '\r\n', '\t', '\0', '\u2028', '\u3001', '%0a', '&', '|'])(
      'refuses two with %j between them',
      async (separator) => {
        await expectNoAddress(`${victim.email}${separator}${EVIL}`);
        await expectNoAddress(`${EVIL}${separator}${victim.email}`);
      },
    );

    it.each(['victims:%s,evil@attacker.example;', 'undisclosed-recipients:;', '%s,', ',%s', '%s\r\nBcc: %s'])(
      'refuses %j',
      async (form) => {
        await expectNoAddress(form.replaceAll('%s', victim.email));
      },
    );
  });

  describe('A6 quoted local part: takes no address inside another', () => {
    it.each([
      '"%s"@attacker.example',
      '"%s evil"@attacker.example',
      '"evil@attacker.example"@%d',
      '"evil@attacker.example x"@%d',
      '%s(comment)',
      '(evil@attacker.example)%s',
      'mike(@attacker.example)@%d',
      '<%s>',
      '<evil@attacker.example>%s',
      'Mike <%s>',
      '"Mike" <%s>',
      '%s <evil@attacker.example>',
      '=?utf-8?q?evil=40attacker.example=20?=@%d',
      '=?x?q?evil=40attacker.example=3e=00?=mike@%d',
      'mike\\@attacker.example@%d',
      '@attacker.example:%s',
      'mike@[127.0.0.1]',
    ])('refuses %j', async (form) => {
      await expectNoAddress(form.replaceAll('%s', victim.email).replaceAll('%d', domainOf(victim)));
    });

    // nodemailer once sent these to attacker.example (CVE-2025-13033).
    it.each([
      '"evil@attacker.example x"',
      '"evil@attacker.example"',
      '<evil@attacker.example>',
      'evil@attacker.example,',
    ])('never mails a part of the stored address %s@…', async (localPart) => {
      const domain = `${randomUUID()}.example`;
      await plant(`${localPart}@${domain}`, `plain@${domain}`);
      const mails = await mailsCausedBy(server, () => server.ask(`plain@${domain}`).expect(202));
      for (const [recipient] of recipients(mails)) expect(recipient).toBe(`${localPart}@${domain}`);
    });
  });

  it.each([
    'mike@attacker.example@%d',
    'mike@@%d',
    '@%s',
    '%s@',
    'mike%attacker.example@%d',
    'mike%40attacker.example@%d',
    'attacker.example!mike@%d',
    '%d!mike@attacker.example',
    'mike@%d/@attacker.example',
    'mike@attacker.example#@%d',
    'mike@attacker.example?@%d',
    'mike@attacker.example:25@%d',
    'mike@%d\u0000.attacker.example',
  ])('A7 more than one @: refuses %j', async (form) => {
    await expectNoAddress(form.replaceAll('%s', victim.email).replaceAll('%d', domainOf(victim)));
  });

  it.each([
    '%',
    '%@%',
    'mike.ski_@%d',
    'mike_skid@%d',
    '____.____@%d',
    'mike*@%d',
    '*@%d',
    'mike.s.id@%d',
    '.*@%d',
    'm.{3}.*@%d',
    'mike?skid@%d',
    '^%s',
    '%s$',
    "'or'1'='1@%d",
    "mike.skid'--@%d",
    'mike',
    '%d',
    'ike.skid@%d',
    'mike.skid@%d.example',
    'mike.skid@x%d',
  ])('A8 partial match: no account answers to the pattern %j', async (form) => {
    const pattern = form.replaceAll('%s', victim.email).replaceAll('%d', domainOf(victim));
    await expectNoEffect(server, async () => {
      expect([202, 400]).toContain((await server.ask(pattern)).status);
      expect([400, 401]).toContain((await server.login(pattern, PASSWORD)).status);
    });
  });

  describe('A9 provider-side twins: each spelling is an account of its own', () => {
    it.each([
      ['a plus tag', 'mike.skid+tag@%d'],
      ['no dot', 'mikeskid@%d'],
      ['one more dot', 'm.ike.skid@%d'],
      ['a Cyrillic letter', 'm\u0456ke.skid@%d'],
      ['a Cyrillic letter in the domain', 'mike.skid@\u0430%d'],
      ['a subdomain', 'mike.skid@mail.%d'],
    ])('%s', async (_, form) => {
      const twin = form.replaceAll('%d', domainOf(victim));
      await expectNoEffect(server, async () => {
        await server.ask(twin).expect(202);
        await server.login(twin, PASSWORD).expect(401);
      });
      const [mail, ...others] = await mailsCausedBy(server, () =>
        postJson(
          server,
          '/api/users',
          JSON.stringify({ email: twin, username: 'Mike', password: NEW_PASSWORD }),
        ).expect(202),
      );
      expect([recipients([mail!]), others]).toEqual([[[twin]], []]);
      await postJson(
        server,
        '/api/users/verify',
        JSON.stringify({ token: linkedToken(mail!, 'verify_email'), password: NEW_PASSWORD }),
      ).expect(204);
      await server.login(twin, NEW_PASSWORD).expect(200);
      await server.login(victim.email, NEW_PASSWORD).expect(401);
      for (const email of [victim.email, twin]) {
        const mails = await mailsCausedBy(server, () => server.ask(email).expect(202));
        expect(recipients(mails)).toEqual([[email]]);
      }
    });

    it('a dot at the end of the domain', () => expectNoAddress(`${victim.email}.`));

    it('a look-alike of a domain is shown to its owner as what it is', async () => {
      const owner = await server.createUser();
      const token = await server.accessTokenFor(owner);
      const wish = JSON.stringify({
        email: `mike@\u0430pple.${randomUUID()}.example`,
        currentPassword: PASSWORD,
      });
      const mails = await mailsCausedBy(server, () =>
        postJson(server, '/api/users/me/email', wish, token).expect(202),
      );
      const notice = mails.find(({ envelope }) => envelope.to[0] === owner.email)!;
      for (const part of [notice.text, notice.html]) {
        expect(part).toContain('mike@xn--pple-43d.');
        expect(part).not.toContain('\u0430pple');
      }
    });
  });

  /** The one mail that a request may cause, with nothing in it that the request could have chosen. */
  const expectOrdinaryMail = ([mail, ...others]: CaughtMail[]) => {
    expect(others).toEqual([]);
    expect(mail!.envelope).toEqual({ from: SENDER, to: [victim.email] });
    expect([mail!.from, mail!.to]).toEqual([SENDER, victim.email]);
    expect(mail!.source).toMatch(/^Message-ID: <[\w-]+@localhost>\r$/im);
    const urls = urlsIn(mail!);
    expect(urls.length).toBeGreaterThan(0);
    for (const url of urls)
      expect(url).toMatch(/^http:\/\/localhost:3000\/(reset_password|not_me)\/[\w.-]+$/);
    expect(mail!.source.replace(/=\r\n/g, '')).not.toMatch(/evil\.example|attacker\.example|:evil|\bftp:/i);
  };

  describe('A10 caller-supplied reset URL: no parameter steers the link', () => {
    const NAMES = [
      'redirect_uri',
      'redirectTo',
      'callbackURL',
      'next',
      'url',
      'domain',
      'host',
      'resetUrl',
      'publicUrl',
    ];

    it.each(NAMES)('%s', async (name) => {
      await expectNoEffect(server, async () => {
        const body = JSON.stringify({ email: victim.email, [name]: 'https://evil.example/' });
        await postJson(server, '/api/password-reset', body).expect(400);
      });
      const query = `?${name}=https://evil.example/{token}`;
      const body = JSON.stringify({ email: victim.email });
      expectOrdinaryMail(
        await mailsCausedBy(server, () => postJson(server, `/api/password-reset${query}`, body).expect(202)),
      );
      expectOrdinaryMail(
        await mailsCausedBy(server, async () => {
          const fields = { email: victim.email, [name]: 'https://evil.example/{token}' };
          const answer = await submit(visitor, `/reset_password_request${query}`, fields);
          expect([answer.status, answer.headers['location']]).toEqual([303, '/login']);
        }),
      );
    });
  });

  /** Asks, in words that no HTTP client would send. @returns the status */
  const askBySocket = async (target: string, ...headers: string[]): Promise<number> => {
    const body = JSON.stringify({ email: victim.email });
    const length = `Content-Length: ${body.length}`;
    const head = [
      `POST ${target} HTTP/1.1`,
      ...headers,
      'Connection: close',
      'Content-Type: application/json',
      length,
    ];
    const answer = await writeToSocket(server.url, `${head.join('\r\n')}\r\n\r\n${body}`);
    return Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1]);
  };

  /** Whatever the server makes of a request: it is refused, or it causes the ordinary mail. */
  const expectOrdinaryOrRefused = async (ask: () => Promise<number>) => {
    let status = 0;
    const mails = await mailsCausedBy(server, async () => (status = await ask()));
    if (status === 202 || status === 303) return expectOrdinaryMail(mails);
    expect([400, 403, 404]).toContain(status);
    expect(mails).toEqual([]);
  };

  /** Asks by the page. @returns the status */
  const askByPage = async (headers: Record<string, string>): Promise<number> => {
    const page = await server.http.get('/reset_password_request').expect(200);
    const cookie = page
      .get('Set-Cookie')!
      .map((line) => line.split(';')[0])
      .join('; ');
    const answer = await sendAsIs(server.url, '/reset_password_request', {
      method: 'POST',
      headers: { Cookie: cookie, 'Content-Type': 'application/x-www-form-urlencoded', ...headers },
      body: new URLSearchParams({ email: victim.email, _csrf: csrfOf(page.text) }).toString(),
    });
    expect(answer.headers['location'] ?? '/login').toBe('/login');
    return answer.status;
  };

  describe('A11 host header: it gets into no mail', () => {
    it.each([
      'evil.example',
      'evil.example:3000',
      'localhost:3000@evil.example',
      'evil.example/localhost:3000',
      'localhost:3000.evil.example',
      'localhost:3000#.evil.example',
      '"evil.example"',
      'localhost:evil',
      '[::ffff:evil]',
      '',
    ])('Host: %s', async (host) => {
      await expectOrdinaryOrRefused(() => askBySocket('/api/password-reset', `Host: ${host}`));
      await expectOrdinaryOrRefused(() => askByPage({ Host: host }));
    });

    it('mails at all where the host is another', async () => {
      expect(await askBySocket('/api/password-reset', 'Host: evil.example')).toBe(202);
      expect(await askByPage({ Host: 'evil.example' })).toBe(303);
    });

    it('two Host headers', () =>
      expectOrdinaryOrRefused(() =>
        askBySocket('/api/password-reset', 'Host: localhost:3000', 'Host: evil.example'),
      ));

    it('a folded Host header', () =>
      expectOrdinaryOrRefused(() =>
        askBySocket('/api/password-reset', 'Host: localhost:3000\r\n evil.example'),
      ));

    it.each(['http://evil.example/api/password-reset', '//evil.example/api/password-reset'])(
      'the request target %s',
      (target) => expectOrdinaryOrRefused(() => askBySocket(target, 'Host: localhost:3000')),
    );
  });

  describe('A12 forwarded headers: they get into no mail, not even where a proxy is trusted', () => {
    it.each([
      ['X-Forwarded-Host', 'evil.example'],
      ['X-Forwarded-Host', 'localhost:3000, evil.example'],
      ['X-Forwarded-Host', 'localhost:3000@evil.example'],
      ['X-Forwarded-Server', 'evil.example'],
      ['X-Forwarded-Proto', 'ftp'],
      ['X-Forwarded-Proto', 'https://evil.example/?'],
      ['X-Forwarded-Port', '@evil.example'],
      ['X-Forwarded-Prefix', '//evil.example'],
      ['X-Forwarded-For', 'evil.example'],
      ['X-Real-IP', 'evil.example'],
      ['X-Host', 'evil.example'],
      ['X-Original-Host', 'evil.example'],
      ['X-Original-URL', 'https://evil.example/'],
      ['X-Rewrite-URL', 'https://evil.example/'],
      ['Forwarded', 'host=evil.example;proto=ftp'],
      ['Forwarded', 'for=1;host="evil.example\\";host=localhost:3000"'],
      ['Forwarded', 'for="a,host=localhost", host="evil.example"'],
      ['Origin', 'https://evil.example'],
      ['Referer', 'https://evil.example/'],
      ['From', EVIL],
      ['Sender', EVIL],
      ['Reply-To', EVIL],
    ])('%s: %s', async (name, value) => {
      await expectOrdinaryOrRefused(() =>
        askBySocket('/api/password-reset', 'Host: localhost:3000', `${name}: ${value}`),
      );
      await expectOrdinaryOrRefused(() => askByPage({ [name]: value }));
    });
  });

  it('A12 forwarded headers: nor into any other mail', async () => {
    const headers = {
      Host: 'evil.example',
      'X-Forwarded-Host': 'evil.example',
      Forwarded: 'host=evil.example',
    };
    const token = await server.accessTokenFor(victim);
    const send = (path: string, body: object) =>
      sendAsIs(server.url, path, {
        method: 'POST',
        headers: { ...headers, 'Content-Type': 'application/json', Authorization: `Bearer ${token}` },
        body: JSON.stringify(body),
      });
    const registration = { username: 'New', password: NEW_PASSWORD };
    const mails = await mailsCausedBy(server, async () => {
      const answers = [
        await send('/api/users', { ...registration, email: `new@${domainOf(victim)}` }),
        await send('/api/users', { ...registration, email: victim.email }),
        await send('/api/users/me/email', { email: `next@${domainOf(victim)}`, currentPassword: PASSWORD }),
        await send('/api/users/me/password', { currentPassword: PASSWORD, password: NEW_PASSWORD }),
      ];
      expect(answers.map(({ status }) => status)).toEqual([202, 202, 202, 200]);
    });
    expect(mails.length).toBeGreaterThanOrEqual(4);
    for (const mail of mails) {
      expect(mail.envelope.from).toBe(SENDER);
      expect(mail.source.replace(/=\r\n/g, '')).not.toContain('evil.example');
      for (const url of urlsIn(mail)) expect(new URL(url).origin).toBe(ORIGIN);
    }
  });

  describe('A13 token in the answer: only the mail has it', () => {
    /** Whatever a caller could make a link of, or check a guess against. */
    const secretsOf = (token: string) => {
      const [, payload, signature] = token.split('.');
      return [
        payload!,
        signature!,
        String(readJwt(token).claims['jti']),
        createHash('sha256').update(token).digest('hex'),
        createHash('sha256').update(token).digest('base64url'),
      ];
    };
    const wholeOf = ({ status, headers, text }: Response) => JSON.stringify([status, headers, text]);

    it('not after an ask, by whatever road', async () => {
      const answers: string[] = [];
      const mails = await mailsCausedBy(server, async () => {
        const debug = { 'X-Debug': '1', Accept: 'application/json' };
        const path = '/api/password-reset?debug=true&verbose=1';
        answers.push(wholeOf(await server.http.post(path).set(debug).send({ email: victim.email })));
        answers.push(wholeOf(await submit(visitor, '/reset_password_request', { email: victim.email })));
      });
      expect(mails).toHaveLength(2);
      const tokens = mails.map((mail) => linkedToken(mail, 'reset_password'));
      for (const token of tokens) {
        for (const look of [server.look(token), server.confirm(token, 'short'), server.look(`${token}x`)])
          answers.push(wholeOf(await look));
        answers.push(wholeOf(await server.confirm(token, victim.email)));
      }
      for (const secret of tokens.flatMap(secretsOf))
        for (const answer of answers) expect(answer).not.toContain(secret);
    });

    it('not after a registration', async () => {
      const email = `new@${domainOf(victim)}`;
      const answers: string[] = [];
      const mails = await mailsCausedBy(server, async () => {
        const fields = { email, username: 'New', password: NEW_PASSWORD };
        answers.push(wholeOf(await postJson(server, '/api/users', JSON.stringify(fields)).expect(202)));
        const form = { ...fields, email: `other.${email}`, password2: NEW_PASSWORD };
        answers.push(wholeOf(await submit(visitor, '/register', form)));
      });
      expect(mails).toHaveLength(2);
      for (const mail of mails)
        for (const secret of secretsOf(linkedToken(mail, 'verify_email')))
          for (const answer of answers) expect(answer).not.toContain(secret);
    });

    it('not after the wish for another address', async () => {
      const answers: string[] = [];
      const mails = await mailsCausedBy(server, async () => {
        const wish = JSON.stringify({ email: `new@${domainOf(victim)}`, currentPassword: PASSWORD });
        const token = await server.accessTokenFor(victim);
        answers.push(wholeOf(await postJson(server, '/api/users/me/email', wish, token).expect(202)));
      });
      const tokens = mails.flatMap(({ text }) =>
        [...text.matchAll(/(?:confirm|cancel)_email\/([\w.-]+)/g)].map(([, token]) => token!),
      );
      expect(tokens).toHaveLength(2);
      for (const secret of tokens.flatMap(secretsOf))
        for (const answer of answers) expect(answer).not.toContain(secret);
    });
  });

  describe('A14 recovery for accounts that must not have it: no mail, the same answer, and old links are dead', () => {
    const disable = ({ id }: User) =>
      server.database.query('UPDATE latchkey.users SET disabled_at = now() WHERE id = $1', [id]);
    const remove = ({ id }: User) => server.database.query('DELETE FROM latchkey.users WHERE id = $1', [id]);
    const isClosed = async (ask: (email: string) => Promise<Response>, user: User) => {
      const control = await server.createUser();
      const [expected, answer] = [await ask(control.email), await ask(user.email)];
      expect(comparable(answer)).toEqual(comparable(expected));
      await server.idle();
      expect(server.mails.countTo(control.email)).toBe(1);
    };

    it.each([
      ['disabled', disable],
      ['deleted', remove],
    ])('%s', async (_, end) => {
      const link = await server.tokenFor(victim);
      await end(victim);
      await isClosed((email) => server.ask(email).then((answer) => answer), victim);
      expect(server.mails.countTo(victim.email)).toBe(1);
      await expectNoEffect(server, async () => {
        for (const answer of [await server.look(link), await server.confirm(link, NEW_PASSWORD)])
          expect([answer.status, answer.body]).toMatchObject([400, { code: 'RESET_TOKEN_INVALID' }]);
        const page = await submit(visitor, `/reset_password/${link}`, {
          password: NEW_PASSWORD,
          password2: NEW_PASSWORD,
        });
        expect([page.status, page.headers['location']]).toEqual([303, '/reset_password_request']);
      });
    });

    it('in the quiet period after "this was not me"', async () => {
      const [mail] = await mailsCausedBy(server, () => server.ask(victim.email).expect(202));
      const link = linkedToken(mail!, 'reset_password');
      await postJson(
        server,
        '/api/password-reset/disavow',
        JSON.stringify({ token: linkedToken(mail!, 'not_me') }),
      ).expect(204);
      await server.idle();
      const before = server.mails.countTo(victim.email);
      await isClosed((email) => server.ask(email).then((answer) => answer), victim);
      expect(server.mails.countTo(victim.email)).toBe(before);
      await expectNoEffect(server, () => server.confirm(link, NEW_PASSWORD).expect(410));
    });

    it('never confirmed: the link goes to the address and proves it, and nobody gets in before', async () => {
      const email = `new@${domainOf(victim)}`;
      const fields = { email, username: 'New', password: PASSWORD };
      await postJson(server, '/api/users', JSON.stringify(fields)).expect(202);
      await server.idle();
      await server.login(email, PASSWORD).expect(401);
      const mails = await mailsCausedBy(server, () => server.ask(email).expect(202));
      expect(recipients(mails)).toEqual(mails.map(() => [email]));
      await server.login(email, PASSWORD).expect(401);
    });
  });
});
