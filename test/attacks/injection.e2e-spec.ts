import PostalMime, { Email } from 'postal-mime';
import type { Response } from 'supertest';
import { readSettings, Settings, SettingsError } from '../../src/server/settings';
import { routesOf } from '../../src/server/unknown-route.filter';
import { User, UsersOptions } from '../../src/users';
import { until } from '../support/mail-reader';
import { sendAsIs } from '../support/raw-request';
import { SmtpWire } from '../support/smtp-wire';
import { PASSWORD, TestApp } from '../support/test-app';
import { someAddress } from './links';
import {
  Browser,
  csrfOf,
  expectNoEffect,
  mailsCausedBy,
  NEW_PASSWORD,
  ORIGIN,
  postJson,
  SENDER,
  signIn,
  startTarget,
  submit,
} from './support';

const EVIL = 'evil@attacker.example';

describe('injection', () => {
  let server: TestApp;
  let visitor: Browser;
  let insider: Browser;
  let user: User;
  let accessToken: string;

  const start = async (settings: Partial<Settings> = {}) => {
    server = await startTarget({ settings: { trustProxy: 1, emailChangeHold: 0, ...settings } });
    visitor = server.browser();
    insider = server.browser();
    user = await server.createUser();
    accessToken = await server.accessTokenFor(user);
    await signIn(insider, user.email, PASSWORD);
  };
  const smtp = (mailPort: number, mailUseTls = false) => ({ mailServer: '127.0.0.1', mailPort, mailUseTls });
  const ask = ({ email }: User) => server.ask(email).expect(202);

  /** An account that came past our doors, by an import or from before there were any. */
  const plant = async (columns: Record<string, string>, email?: string): Promise<User> => {
    const planted = await server.createUser(email === undefined ? {} : { email });
    for (const [column, value] of Object.entries(columns))
      await server.database.query(`UPDATE latchkey.users SET ${column} = $2 WHERE id = $1`, [
        planted.id,
        value,
      ]);
    return planted;
  };

  /** The tags of a document, with the names of their attributes: what text must not change. */
  const skeletonOf = (html: string): string[] =>
    (html.match(/<[^>]*>/g) ?? []).map((tag) => tag.replace(/"[^"]*"/g, '""').replace(/\s+/g, ' '));

  const MARKUP = [
    '<b>bold</b><a href="https://evil.example/">click</a>',
    '"><script>alert(1)</script>',
    `</p></div><img src=x onerror=alert(1)>' onmouseover='alert(1)`,
    '&lt;script&gt;alert(1)&lt;/script&gt;<!-- ]]><![CDATA[',
    '#{link} !{link} {{link}} $t(mail.team)',
    '[click](https://evil.example/) www.evil.example evil.example',
    'javascript:alert(1)',
  ];

  describe('into mails', () => {
    const wire = new SmtpWire();

    beforeAll(async () => start(smtp(await wire.start())));
    afterAll(async () => {
      await wire.stop();
      await server.stop();
    });

    /** The mails of something, as the bytes that came over the wire. */
    const rawMailsOf = async (act: () => Promise<unknown>): Promise<string[]> => {
      await server.idle();
      wire.forget();
      await act();
      await server.idle();
      return [...wire.mails];
    };
    const read = (raw: string): Promise<Email> =>
      PostalMime.parse(Buffer.from(raw.replace(/\r\n\.\r\n$/, '\r\n').replace(/^\.\./gm, '.'), 'latin1'));
    const mailsOf = async (act: () => Promise<unknown>) => Promise.all((await rawMailsOf(act)).map(read));
    const inLink = (page: string, { text }: Email): string =>
      new RegExp(`${ORIGIN}/${page}/([\\w.-]+)`).exec(text!)![1]!;

    const HEADERS = [
      'Auto-Submitted',
      'From',
      'To',
      'Subject',
      'Message-ID',
      'Date',
      'MIME-Version',
      'Content-Type',
    ];
    const headersOf = (raw: string): [name: string, value: string][] =>
      raw
        .split('\r\n\r\n', 1)[0]!
        .replace(/\r\n[ \t]/g, ' ')
        .split('\r\n')
        .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]);

    const LINE_ENDS = ['\r\n', '\n', '\r', '\u0085', '\u2028', '\u2029', '\v', '\f'];

    describe('A65 header injection in mail: nothing that people type becomes a header', () => {
      it.each([
        ...LINE_ENDS.map((end) => `Eve${end}Bcc: ${EVIL}${end}${end}`),
        `=?utf-8?q?Eve=0d=0aBcc:_${EVIL}?=`,
        `Eve" <${EVIL}>, "`,
        `Eve, ${EVIL}`,
        `${'x'.repeat(990)}\r\nBcc: ${EVIL}`,
      ])('a name: %j', async (username) => {
        const planted = await plant({ username });
        const raws = await rawMailsOf(() => ask(planted));
        expect(raws).toHaveLength(1);
        const headers = headersOf(raws[0]!);
        expect(headers.map(([name]) => name)).toEqual(HEADERS);
        expect(Object.fromEntries(headers)).toMatchObject({
          From: SENDER,
          To: planted.email,
          Subject: '[Latchkey] Reset Your Password',
        });
        expect(wire.commands.filter((line) => line.startsWith('RCPT'))).toEqual([
          `RCPT TO:<${planted.email}>`,
        ]);
      });

      it.each(['\r\n', '\n', '\r'])('a language: en%jBcc', async (end) => {
        const planted = await plant({ locale: `en${end}Bcc: ${EVIL}` });
        const [raw] = await rawMailsOf(() => ask(planted));
        expect(headersOf(raw!).map(([name]) => name)).toEqual(HEADERS);
      });

      it('at the doors: names, addresses and languages of more than one line are refused', async () => {
        const fields = { email: someAddress(), username: 'Eve', password: NEW_PASSWORD };
        await expectNoLetter(async () => {
          for (const end of LINE_ENDS)
            for (const field of ['email', 'username', 'locale']) {
              const value = `${{ ...fields, locale: 'en' }[field]}${end}Bcc: ${EVIL}`;
              await postJson(server, '/api/users', JSON.stringify({ ...fields, [field]: value })).expect(400);
              if (field === 'locale') continue;
              const form = { ...fields, password2: NEW_PASSWORD, [field]: value };
              expect((await submit(visitor, '/register', form)).status).toBe(400);
            }
        });
      });
    });

    const expectNoLetter = async (attack: () => Promise<unknown>) => {
      expect(await rawMailsOf(attack)).toEqual([]);
    };

    describe('A66 SMTP command injection: the mail server hears our commands and no others', () => {
      const COMMANDS = [
        /^EHLO [\w.[\]:-]+$/,
        /^MAIL FROM:<no-reply@localhost>$/,
        /^RCPT TO:<[\w.+-]+@example\.com>$/,
        /^(DATA|RSET|NOOP|QUIT)$/,
      ];

      it.each([
        `x@example.com>\r\nRCPT TO:<${EVIL}`,
        `x@example.com\r\nDATA\r\n`,
        `x@example.com\n`,
        `x@example.com> SIZE=1\rRCPT TO:<${EVIL}`,
        `<x@example.com> NOTIFY=SUCCESS`,
        `x@example.com, ${EVIL}`,
        `"x\r\nRCPT TO:<${EVIL}>"@example.com`,
        `Group: ${EVIL};`,
      ])('given the stored address %j', async (email) => {
        const planted = await plant({ email });
        await rawMailsOf(() => ask(planted));
        for (const line of wire.commands)
          expect(COMMANDS.some((form) => form.test(line)) ? 'ours' : line).toBe('ours');
        for (const raw of wire.mails) expect(headersOf(raw).map(([name]) => name)).toEqual(HEADERS);
        expect(wire.commands.join()).not.toContain(EVIL);
        await server.database.query('DELETE FROM latchkey.users WHERE id = $1', [planted.id]);
      });

      it.each(['ADMINS', 'MAIL_SERVER', 'APP_NAME', 'PUBLIC_URL', 'RESET_URL'])(
        'in the setting %s, which does not start',
        (name) => {
          const good: Record<string, string> = {
            ADMINS: 'no-reply@example.com',
            MAIL_SERVER: 'smtp.example.com',
            APP_NAME: 'Latchkey',
            PUBLIC_URL: 'https://example.com',
            RESET_URL: 'https://example.com/{token}',
            DATABASE_URL: 'postgres://db.example.com/latchkey',
            SECRET_KEY: 'k7Qm2Zt9Xw4Lr8Vb1Nc6Hd3Jf5Gs0Py/',
          };
          expect(() => readSettings(good)).not.toThrow();
          for (const end of ['\r\n', '\n', '\r'])
            expect(() => readSettings({ ...good, [name]: `${good[name]}${end}RCPT TO:<${EVIL}>` })).toThrow(
              SettingsError,
            );
        },
      );
    });

    describe('A67 SMTP smuggling: one mail is one mail, whatever ends one elsewhere', () => {
      const SECOND = `MAIL FROM:<${EVIL}>\r\nRCPT TO:<${EVIL}>\r\nDATA\r\nSubject: smuggled\r\n\r\nx`;

      it.each([
        '\r\n.\r\n',
        '\n.\n',
        '\n.\r\n',
        '\r\n.\n',
        '\r.\r',
        '\r\n.\r',
        '\r.\r\n',
        '\n\n.\n',
        '.',
        '..',
      ])('given the name %j', async (end) => {
        const planted = await plant({ username: `.${end}${SECOND}${end}${'. '.repeat(200)}` });
        const raws = await rawMailsOf(() => ask(planted));
        expect(raws).toHaveLength(1);
        const [raw] = raws as [string];
        expect(raw.match(/\r(?!\n)|(?<!\r)\n/g)).toBeNull();
        expect(raw.match(/^\.(?!\.)/gm)).toEqual(['.']);
        expect(Math.max(...raw.split('\r\n').map((line) => line.length))).toBeLessThanOrEqual(998);
        expect(wire.commands.filter((line) => /^(MAIL|RCPT|DATA)/.test(line))).toEqual([
          `MAIL FROM:<${SENDER}>`,
          `RCPT TO:<${planted.email}>`,
          'DATA',
        ]);
        expect(inLink('reset_password', await read(raw))).toMatch(/^eyJ/);
      });
    });

    describe('A68 HTML in mail: a name is text, and leads nowhere', () => {
      /** Every mail there is, about somebody of that name, caused from that source. */
      const mailsAbout = async (username: string, source = '192.0.2.1'): Promise<Email[]> => {
        const named = await plant({ username });
        const [reset] = await mailsOf(() => ask(named));
        const changed = await mailsOf(() =>
          server
            .confirm(inLink('reset_password', reset!), NEW_PASSWORD)
            .set('X-Forwarded-For', source)
            .expect(204),
        );
        const fields = { email: named.email, username: 'Eve', password: NEW_PASSWORD };
        const registered = await mailsOf(() =>
          postJson(server, '/api/users', JSON.stringify(fields)).expect(202),
        );
        // Both are mails to one mailbox that others have typed.
        server.clock.advance(61);
        const wanted = await mailsOf(async () => {
          const wish = { email: named.email, currentPassword: PASSWORD };
          const eve = await server.accessTokenFor(await server.createUser());
          await postJson(server, '/api/users/me/email', JSON.stringify(wish), eve).expect(202);
        });
        const own = await server.accessTokenFor(named, NEW_PASSWORD);
        const moves = await mailsOf(() =>
          postJson(
            server,
            '/api/users/me/email',
            JSON.stringify({ email: someAddress(), currentPassword: NEW_PASSWORD }),
            own,
          )
            .set('X-Forwarded-For', source)
            .expect(202),
        );
        const confirm = moves.find(({ text }) => text!.includes('/confirm_email/'))!;
        const moved = await mailsOf(() =>
          postJson(
            server,
            '/api/email-change/confirm',
            JSON.stringify({ token: inLink('confirm_email', confirm), password: NEW_PASSWORD }),
          )
            .set('X-Forwarded-For', source)
            .expect(204),
        );
        const all = [reset!, ...changed, ...registered, ...wanted, ...moves, ...moved];
        const orderOf = ({ subject, to }: Email) => `${subject} ${to![0]!.address === named.email}`;
        return all.sort((one, other) => orderOf(one).localeCompare(orderOf(other)));
      };
      const linksOf = (text: string) => text.match(/\b(?:https?:|www\.|javascript:)[^\s"'<>]*/gi) ?? [];

      let plain: Email[];

      beforeAll(async () => {
        plain = await mailsAbout('Susan');
        expect(plain).toHaveLength(9);
      });

      it.each(MARKUP)('a name: %s', async (username) => {
        const mails = await mailsAbout(username);
        expect(mails.map(({ subject }) => subject)).toEqual(plain.map(({ subject }) => subject));
        mails.forEach(({ html, text }, n) => {
          expect(skeletonOf(html!)).toEqual(skeletonOf(plain[n]!.html!));
          for (const [part, same] of [
            [html, plain[n]!.html],
            [text, plain[n]!.text],
          ] as [string, string][]) {
            expect(linksOf(part)).toHaveLength(linksOf(same).length);
            for (const link of linksOf(part)) expect(new URL(link).origin).toBe(ORIGIN);
            expect(part).not.toMatch(/evil\.example|The Latchkey Team.*The Latchkey Team/);
          }
        });
      });

      it.each([
        'https://evil.example/win',
        'www.evil.example',
        'evil.cafe',
        '<a href=//evil.example>192.0.2.1</a>',
      ])('a source that a proxy passes on: %s', async (source) => {
        for (const { html, text } of await mailsAbout('Susan', source))
          for (const part of [html, text]) expect(part).not.toMatch(/evil/);
      });

      it('a name that somebody registers with, in the mail to a stranger', async () => {
        const [benign] = await mailsOf(() => registering('Susan'));
        for (const username of MARKUP.filter((name) => name.length <= 64)) {
          const [mail] = await mailsOf(() => registering(username));
          expect(skeletonOf(mail!.html!)).toEqual(skeletonOf(benign!.html!));
          expect(mail!.text).not.toContain('evil.example');
          expect(linksOf(mail!.text!)).toHaveLength(1);
        }
      });

      const registering = (username: string) =>
        postJson(
          server,
          '/api/users',
          JSON.stringify({ email: someAddress(), username, password: NEW_PASSWORD }),
        ).expect(202);
    });
  });

  describe('A66 SMTP command injection: nothing is said in clear text where TLS is demanded', () => {
    it.each([
      ['does not offer TLS', '250 wire', '454 no'],
      ['refuses the TLS that it has offered', '250-wire\r\n250 STARTTLS', '454 no'],
      [
        'answers before TLS what is believed after it',
        '250-wire\r\n250 STARTTLS',
        '220 go\r\n250 wire\r\n250 ok',
      ],
    ])('to a mail server that %s', async (_, ehlo, startTls) => {
      const clear = Object.assign(new SmtpWire(), { ehlo, startTls });
      const login = { mailUsername: 'us', mailPassword: 'pw' };
      await start({ ...smtp(await clear.start(), true), ...login });
      try {
        await ask(user);
        await until(() => clear.commands.some((line) => line.startsWith('STARTTLS')), 'a try to mail');
        clear.hangUp();
        await server.idle();
        expect(clear.commands.filter((line) => /^(AUTH|MAIL|RCPT|DATA)/i.test(line))).toEqual([]);
        expect(clear.mails).toEqual([]);
      } finally {
        await clear.stop();
        await server.stop();
      }
    });
  });

  describe('into pages, statements and objects', () => {
    beforeAll(() => start());
    afterAll(() => server.stop());

    describe('A69 XSS on reset page: what a request says is text on every page', () => {
      const PAYLOADS = [
        ...MARKUP,
        '</title><svg onload=alert(1)>',
        '" autofocus onfocus=alert(1) x="',
        '`${7*7}`',
        '\u2028</script>',
      ];

      const expectInert = (answer: Response, benign: Response) => {
        expect(answer.status).toBe(benign.status);
        expect(skeletonOf(answer.text)).toEqual(skeletonOf(benign.text));
        expect(answer.headers['content-security-policy']).toMatch(/default-src 'none'(?!.*(script|unsafe))/);
        expect(answer.headers['x-content-type-options']).toBe('nosniff');
      };

      it.each<[path: string, fields: (payload: string) => Record<string, string>, inside: boolean]>([
        ['/login', (email) => ({ email, password: PASSWORD }), false],
        ['/reset_password_request', (email) => ({ email }), false],
        [
          '/register',
          (payload) => ({ email: payload, username: payload, password: 'x', password2: 'y' }),
          false,
        ],
        ['/change_email', (email) => ({ email, currentPassword: PASSWORD }), true],
      ])('what is typed at %s', async (path, fields, inside) => {
        server.app.get(UsersOptions).hashQueueLimit = 1000;
        const send = (payload: string) =>
          submit(inside ? insider : visitor, path, fields(payload), inside ? { formOf: path } : {});
        const benign = await send('no address');
        for (const payload of PAYLOADS) expectInert(await send(payload), benign);
      });

      it.each(['/', '/login', '/register', '/reset_password_request'])('the address of %s', async (path) => {
        const benign = await visitor.get(path);
        for (const payload of PAYLOADS) {
          const written = encodeURIComponent(payload);
          for (const query of [
            `?${written}`,
            `?email=${written}&signed=${written}&error=${written}&next=${written}`,
          ])
            expectInert(await visitor.get(`${path}${query}`), benign);
        }
      });

      it.each(['nowhere', 'reset_password/', 'not_me/', 'verify_email/', 'assets/'])(
        'the path of /%s',
        async (path) => {
          const get = async (name: string) => {
            const { status, headers, text } = await sendAsIs(
              server.url,
              `/${path}${encodeURIComponent(name)}`,
            );
            return { status, headers, text } as unknown as Response;
          };
          const benign = await get('x');
          for (const payload of PAYLOADS) expectInert(await get(payload), benign);
        },
      );

      it('cookies and headers', async () => {
        const benign = await server.http.get('/login');
        for (const payload of PAYLOADS.map(encodeURIComponent))
          for (const headers of [
            { Cookie: `latchkey-flash=${payload}; latchkey-pre=${payload}; latchkey=${payload}` },
            { 'Accept-Language': payload, 'User-Agent': payload, Referer: `http://x/${payload}` },
            { 'X-Forwarded-Host': payload, 'X-Forwarded-For': payload, Host: 'localhost' },
          ] as Record<string, string>[])
            expectInert(await server.http.get('/login').set(headers), benign);
      });

      it('a name, an address and a browser, on the pages of an account', async () => {
        const seen = async (username: string, userAgent: string) => {
          const named = await plant({ username });
          const browser = server.browser();
          await submit(
            browser,
            '/login',
            { email: named.email, password: PASSWORD },
            { headers: { 'User-Agent': userAgent, 'X-Forwarded-For': userAgent } },
          );
          return [await browser.get('/'), await browser.get('/account')];
        };
        const benign = await seen('Susan', 'curl');
        for (const payload of PAYLOADS) {
          const answers = await seen(payload, payload.replace(/[^\x20-\x7e]/g, '?'));
          answers.forEach((answer, n) => expectInert(answer, benign[n]!));
        }
      });
    });

    describe('A70 template options from input: no parameter reaches the template', () => {
      const OPTIONS = [
        ...[
          'pretty',
          'cache',
          'self',
          'filename',
          'basedir',
          'doctype',
          'filters',
          'globals',
          'plugins',
          'name',
        ],
        ...[
          'debug',
          'compileDebug',
          'client',
          'inlineRuntimeFunctions',
          'settings',
          'settings[view options][client]',
        ],
        ...[
          'layout',
          'block',
          'blocks',
          'locals',
          '_locals',
          'attributes',
          'pug',
          'pug_debug_line',
          'escape',
        ],
        ...['t', 'lang', 'appName', 'page', 'page[problem]', 'csrf', 'flash', 'flash[name]', 'signedIn'],
        ...['__proto__', '__proto__[block]', 'constructor', 'constructor[prototype][block]'],
      ];
      const VALUES = ['1', `');process.exit(1);//`, '{"type":"Text","line":"process.exit(1)"}'];
      const masked = ({ status, text }: Response) =>
        `${status} ${text.replace(/name="_csrf" value="[^"]+"/g, '')}`;

      it('on every page that is looked at', async () => {
        const pages = routesOf(server.app).filter(
          ({ method, path }) => method === 'GET' && !/^\/(api|health|dev|assets|favicon)|:/.test(path),
        );
        expect(pages.length).toBeGreaterThanOrEqual(7);
        for (const { path } of pages)
          for (const browser of [visitor, insider]) {
            const plain = masked(await browser.get(path));
            for (const value of VALUES) {
              const query = OPTIONS.map(
                (name) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`,
              ).join('&');
              expect(masked(await browser.get(`${path}?${query}`))).toBe(plain);
            }
          }
      });

      it.each(['/login', '/reset_password_request', '/register'])('in the form of %s', async (path) => {
        const fields = { email: 'no address', username: '', password: 'x', password2: 'y' };
        // A message that a page before has left is shown once.
        await visitor.get(path);
        const plain = masked(await submit(visitor, path, fields));
        for (const value of VALUES)
          for (const name of OPTIONS) {
            const answer = await submit(visitor, `${path}?${name}=1`, { ...fields, [name]: value });
            expect([name, masked(answer)]).toEqual([name, plain]);
          }
      });

      it('nor the one of a mail', async () => {
        const bodyOf = async (path: string) => {
          const body = JSON.stringify({ email: user.email });
          const [mail] = await mailsCausedBy(server, () => postJson(server, path, body).expect(202));
          return mail!.html.replace(/eyJ[\w.-]+/g, '');
        };
        const query = OPTIONS.map((name) => `${encodeURIComponent(name)}=1`).join('&');
        expect(await bodyOf(`/api/password-reset?${query}`)).toBe(await bodyOf('/api/password-reset'));
      });
    });

    /** Every route that takes JSON, with what it takes. */
    const BODIES: Record<string, Record<string, string>> = {
      '/api/password-reset': { email: EVIL },
      '/api/password-reset/verify': { token: 'x' },
      '/api/password-reset/confirm': {
        token: 'x',
        password: NEW_PASSWORD,
        passwordConfirmation: NEW_PASSWORD,
      },
      '/api/password-reset/disavow': { token: 'x' },
      '/api/auth/login': { email: EVIL, password: PASSWORD },
      '/api/users': { email: EVIL, username: 'Eve', password: NEW_PASSWORD, locale: 'en' },
      '/api/users/verify': { token: 'x', password: NEW_PASSWORD },
      '/api/users/me/password': {
        currentPassword: PASSWORD,
        password: NEW_PASSWORD,
        passwordConfirmation: NEW_PASSWORD,
      },
      '/api/users/me/email': { email: EVIL, currentPassword: PASSWORD },
      '/api/email-change/confirm': { token: 'x' },
      '/api/email-change/cancel': { token: 'x' },
    };
    const PATHS = Object.keys(BODIES);
    /** Of a reset link the signature is checked before anything else. */
    const bodyOf = async (path: string): Promise<Record<string, string>> => ({
      ...BODIES[path],
      ...(/password-reset\/(verify|confirm)$/.test(path) && {
        token: await server.tokenFor(await server.createUser()),
      }),
    });
    const FORMS: [path: string, fields: Record<string, string>, inside: boolean][] = [
      ['/login', { email: EVIL, password: PASSWORD }, false],
      ['/reset_password_request', { email: EVIL }, false],
      ['/register', { email: EVIL, username: 'Eve', password: NEW_PASSWORD, password2: NEW_PASSWORD }, false],
      ['/change_email', { email: EVIL, currentPassword: PASSWORD }, true],
      [
        '/change_password',
        { currentPassword: PASSWORD, password: NEW_PASSWORD, password2: NEW_PASSWORD },
        true,
      ],
    ];

    it('the attacks below know every route that takes JSON', () => {
      const posts = routesOf(server.app).filter(
        ({ method, path }) => method === 'POST' && path.startsWith('/api/'),
      );
      expect(posts.map(({ path }) => path).sort()).toEqual([...PATHS, '/api/auth/logout'].sort());
    });

    describe('A71 ORM filter objects: a field is one text, or the request is refused', () => {
      const SHAPES = [
        ...[
          '{}',
          '[]',
          '{"$ne":null}',
          '{"id":{"$gte":0}}',
          '["x"]',
          '[["x"]]',
          '{"length":9}',
          'true',
          '1',
          '1e3',
        ],
        '{"toString":"x","valueOf":"x"}',
        '{"_type":"raw","_value":"1=1","_multipleParameters":false}',
        '{"@instanceof":"FindOperator","type":"like","value":"%"}',
        '{"where":{"id":1}}',
      ];

      it.each(PATHS)('at %s', async (path) => {
        const good = await bodyOf(path);
        await expectNoEffect(server, async () => {
          for (const field of Object.keys(good))
            for (const shape of SHAPES) {
              const json = JSON.stringify({ ...good, [field]: 'MARK' }).replace('"MARK"', shape);
              const { status, body } = await postJson(server, path, json, accessToken);
              expect({ field, shape, status }).toEqual({ field, shape, status: 400 });
              expect(body.errors).toContainEqual(expect.objectContaining({ field, code: 'invalid' }));
            }
        });
      });

      it.each(FORMS)('in the form of %s', async (path, fields, inside) => {
        await expectNoEffect(server, async () => {
          for (const field of Object.keys(fields))
            for (const name of [`${field}[]`, `${field}[$ne]`, `${field}[0]`, `${field}.like`]) {
              const { [field]: value, ...rest } = fields;
              const { status } = await submit(
                inside ? insider : visitor,
                path,
                { ...rest, [name]: value! },
                inside ? { formOf: path } : {},
              );
              expect({ name, status, refused: status >= 400 && status < 500 }).toMatchObject({
                refused: true,
              });
            }
        });
      });

      it.each([
        '%7B%22$ne%22:null%7D',
        '[object%20Object]',
        '%25',
        '_',
        "'%20OR%20'1'='1",
        '1;DROP%20TABLE%20users',
        '0',
      ])('in a path: %s', async (id) => {
        await expectNoEffect(server, async () => {
          const password = { currentPassword: PASSWORD };
          const body = JSON.stringify(password);
          const headers = {
            Authorization: `Bearer ${accessToken}`,
            'Content-Type': 'application/json',
            'Content-Length': String(body.length),
          };
          const options = { method: 'DELETE', headers, body };
          expect((await sendAsIs(server.url, `/api/sessions/${id}`, options)).status).toBe(404);
          const page = await submit(insider, `/sessions/${id}/end`, password, { formOf: '/account' });
          expect([page.status, page.headers['location']]).toEqual([303, '/account']);
        });
      });
    });

    describe('A72 mass assignment: a request writes its own fields only', () => {
      const EXTRAS: Record<string, string> = {
        id: '6f0f1a3e-0d0c-4f8e-9a43-0f1a3e0d0c4f',
        userId: '6f0f1a3e-0d0c-4f8e-9a43-0f1a3e0d0c4f',
        emailKey: EVIL,
        email_key: EVIL,
        passwordHash: '$2b$04$abcdefghijklmnopqrstuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu',
        password_hash: '!',
        credentialsVersion: '99',
        credentials_version: '99',
        disabledAt: '2020-01-01',
        createdAt: '2020-01-01',
        created_at: '2020-01-01',
        usedAt: '2020-01-01',
        expiresAt: '2099-01-01',
        role: 'admin',
        isAdmin: 'true',
        user: '{}',
        sessionId: 'x',
      };

      it.each(PATHS)('at %s', async (path) => {
        const good = await bodyOf(path);
        await expectNoEffect(server, async () => {
          for (const [field, value] of Object.entries(EXTRAS)) {
            const json = JSON.stringify({ ...good, [field]: value });
            const { body } = await postJson(server, path, json, accessToken).expect(400);
            expect(body.errors).toEqual([expect.objectContaining({ field, code: 'unknown_field' })]);
          }
        });
      });

      it.each(PATHS)('at %s, by something else than an object', async (path) => {
        await expectNoEffect(server, async () => {
          const body = JSON.stringify(BODIES[path]);
          for (const json of [
            `[${body}]`,
            `{"body":${body}}`,
            `{"0":${body}}`,
            JSON.stringify(body),
            'null',
            '1',
          ])
            await postJson(server, path, json, accessToken).expect(400);
        });
      });

      it('by a form, which makes the account that it would make without', async () => {
        const email = someAddress();
        const form = { ...EXTRAS, email, username: 'Eve', password: NEW_PASSWORD, password2: NEW_PASSWORD };
        expect((await submit(visitor, '/register', form)).status).toBe(303);
        await server.idle();
        const [row] = await server.database.query<Record<string, unknown>[]>(
          'SELECT * FROM latchkey.users WHERE email = $1',
          [email],
        );
        expect(row).toMatchObject({
          email_key: email,
          password_hash: '!',
          credentials_version: 1,
          disabled_at: null,
        });
        expect(row!['id']).not.toBe(EXTRAS['id']);
        expect(row!['unverified_since']).not.toBeNull();
        expect((row!['created_at'] as Date).getFullYear()).toBeGreaterThan(2020);
      });
    });

    describe('A73 prototype pollution: no probe changes how others are answered', () => {
      const PROBES = [
        '"__proto__":{"polluted":1}',
        '"__proto__":{"email":"evil@attacker.example","password":"x","token":"x","status":999}',
        '"constructor":{"prototype":{"polluted":1}}',
        '"prototype":{"polluted":1}',
        '"__proto__":null',
        '"__proto__.polluted":1',
        '"\\u005f_proto__":{"polluted":1}',
        '"__defineGetter__":"x","toString":"x"',
        '"hasOwnProperty":1',
      ];

      it('by JSON, forms, queries and cookies, on every route', async () => {
        const known = Object.getOwnPropertyNames(Object.prototype).sort();
        const control = async () => {
          const page = await server.http.get('/login');
          const look = await server.look('x');
          return [
            page.status,
            skeletonOf(page.text),
            look.status,
            look.body.code,
            (await server.ask(someAddress())).body,
            (await server.login(user.email, PASSWORD)).status,
            (await server.me(accessToken)).body,
          ];
        };
        const before = await control();
        await expectNoEffect(server, async () => {
          for (const path of PATHS)
            for (const probe of PROBES) {
              const json = JSON.stringify(BODIES[path]).replace('{', `{${probe},`);
              expect([probe, (await postJson(server, path, json, accessToken)).status]).toEqual([probe, 400]);
            }
          const names = [
            '__proto__[polluted]',
            'constructor[prototype][polluted]',
            '__proto__.polluted',
            '__proto__',
          ];
          const query = names.map((name) => `${encodeURIComponent(name)}=1`).join('&');
          for (const [path, fields, inside] of FORMS.filter(([, { email }]) => email)) {
            const form = { ...fields, ...Object.fromEntries(names.map((name) => [name, '1'])), email: 'x' };
            const browser = inside ? insider : visitor;
            const page = (await browser.get(inside ? path : '/login')).text;
            const body = `${new URLSearchParams({ _csrf: csrfOf(page), ...form }).toString()}&${query}`;
            const { status } = await browser.post(`${path}?${query}`).type('form').send(body);
            expect([400, 401]).toContain(status);
          }
          for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty'])
            await server.http
              .get(`/login?${query}`)
              .set('Cookie', `${name}=1; latchkey-flash=${name}`)
              .expect(200);
        });
        expect(Object.getOwnPropertyNames(Object.prototype).sort()).toEqual(known);
        expect({}).not.toHaveProperty('polluted');
        expect(await control()).toEqual(before);
      });
    });
  });
});
