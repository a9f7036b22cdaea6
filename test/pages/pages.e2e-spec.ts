import { randomUUID } from 'node:crypto';
import type { Response } from 'supertest';
import { Keyring } from '../../src/common';
import { LimiterUnavailableError, RateLimiter } from '../../src/limits';
import type { User } from '../../src/users';
import { until } from '../support/mail-reader';
import { PASSWORD, TestApp } from '../support/test-app';
import { PageVisitor } from '../support/page-visitor';

const OTHER_PASSWORD = 'staple battery horse correct';
const DAY = 86_400;

const someAddress = () => `${randomUUID()}@example.com`;
const whereTo = ({ status, headers }: Response) => [status, headers['location']];

describe('the pages', () => {
  let server: TestApp;

  beforeAll(async () => (server = await TestApp.start()));
  afterAll(() => server.stop());

  const registration = (email: string) => ({
    email,
    username: 'Susan',
    password: PASSWORD,
    password2: PASSWORD,
  });

  /** The path of the link that a mail to an address holds. */
  const linkTo = async (email: string, page: string, seen = 0): Promise<string> => {
    const { text } = await server.mails.next(email, seen, `/${page}/`);
    const paths = [...text.matchAll(/https?:\/\/[^/\s]+(\/\w+\/[\w.-]+)/g)].map(([, path]) => path!);
    return paths.find((path) => path.startsWith(`/${page}/`))!;
  };

  const signedIn = async (user: User, userAgent?: string): Promise<PageVisitor> => {
    const visitor = new PageVisitor(server, userAgent);
    expect(whereTo(await visitor.signIn(user.email))).toEqual([303, '/']);
    return visitor;
  };

  const endPaths = (html: string) =>
    [...html.matchAll(/(?:action|href)="(\/sessions\/[^"]+\/end)"/g)].map(([, path]) => path!);

  describe('keep strangers out', () => {
    it('answer a registration byte for byte alike, whoever has the address', async () => {
      const [known, unverified] = [await server.createUser(), someAddress()];
      await new PageVisitor(server).fill('/register', registration(unverified));
      await server.mails.next(unverified);
      const answer = async (email: string) => {
        const visitor = new PageVisitor(server);
        const { status, text, headers } = await visitor.fill('/register', registration(email));
        const next = await visitor.open('/login');
        return {
          status,
          text,
          headers: { ...headers, date: '', 'x-request-id': '' },
          next: next.text.replace(visitor.csrf, ''),
        };
      };
      const expected = await answer(someAddress());
      expect(expected).toMatchObject({ status: 303, headers: { location: '/login' } });
      expect(await answer(known.email)).toEqual(expected);
      expect(await answer(unverified)).toEqual(expected);
    });

    it('end no session of somebody else, and do not tell whether there is one', async () => {
      const [owner, stranger] = [await server.createUser(), await server.createUser()];
      const owners = await signedIn(owner);
      const [path] = endPaths((await owners.open('/account')).text);
      const strangers = await signedIn(stranger);
      await strangers.open('/account');
      const right = { currentPassword: PASSWORD };
      const answers = [
        await strangers.open(path!),
        await strangers.submit(path!, right),
        await strangers.submit(`/sessions/${randomUUID()}/end`, right),
        await strangers.submit('/sessions/x/end', right),
        await strangers.submit("/sessions/'--/end", right),
      ];
      for (const { status, headers } of answers) {
        expect([status, headers['location']]).toEqual([303, '/account']);
      }
      expect((await strangers.open('/account')).text).toContain('You have no such session');
      expect(await owners.isSignedIn()).toBe(true);
    });

    it('change nothing for a form of another site, whoever is signed in', async () => {
      const user = await server.createUser();
      const [victim, other] = [await signedIn(user), await signedIn(await server.createUser())];
      await other.open('/account');
      const [path] = endPaths((await victim.open('/account')).text);
      const forms: [string, object][] = [
        [
          '/change_password',
          { currentPassword: PASSWORD, password: OTHER_PASSWORD, password2: OTHER_PASSWORD },
        ],
        ['/change_email', { currentPassword: PASSWORD, email: someAddress() }],
        [path!, {}],
        ['/logout', {}],
      ];
      for (const [url, fields] of forms) {
        const refused = [
          await victim.submit(url, fields, { origin: 'https://evil.example' }),
          await victim.submit(url, fields, { 'sec-fetch-site': 'cross-site' }),
          await victim.submit(url, fields, { origin: 'null', 'sec-fetch-site': 'cross-site' }),
          await victim.submit(url, { ...fields, _csrf: other.csrf }),
          await victim.submit(url, { ...fields, _csrf: '' }),
        ];
        for (const { status, headers } of refused) {
          expect([url, status, headers['set-cookie']]).toEqual([url, 403, undefined]);
        }
      }
      expect(await victim.isSignedIn()).toBe(true);
      await server.login(user.email, PASSWORD).expect(200);
      await server.idle();
      expect(server.mails.countTo(user.email)).toBe(0);
      const told = () =>
        server.database.query<object[]>(
          `SELECT details FROM latchkey.audit_events WHERE act = 'form_refused' AND user_id = $1`,
          [user.id],
        );
      await until(async () => (await told()).length === 2 * forms.length, 'the record of each refusal');
    });

    it('show names and browsers as text', async () => {
      const markup = '<img src=x onerror=alert(1)>';
      const email = someAddress();
      const visitor = new PageVisitor(server, `"><script>alert(1)</script>`);
      await visitor.fill('/register', { ...registration(email), username: markup });
      const path = await linkTo(email, 'verify_email');
      await visitor.fill(path, { password: PASSWORD });
      await visitor.signIn(email);
      const { text } = await visitor.open('/account');
      expect(text).toContain('&lt;img src=x onerror=alert(1)&gt;');
      expect(text).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
      await visitor.open('/');
      expect(visitor.pages.join('')).not.toMatch(/<img|<script/);
    });

    it('write no secret into a page', async () => {
      const user = await server.createUser();
      const visitor = await signedIn(user);
      const session = visitor.cookie('latchkey')!;
      await visitor.fill('/change_email', { email: someAddress(), currentPassword: 'a wrong password' });
      await visitor.fill('/change_password', {
        currentPassword: PASSWORD,
        password: OTHER_PASSWORD,
        password2: 'something else entirely',
      });
      const newAddress = someAddress();
      await visitor.fill('/change_email', { email: newAddress, currentPassword: PASSWORD });
      const path = await linkTo(newAddress, 'confirm_email');
      await visitor.open(path);
      await visitor.open('/account');
      const seen = visitor.pages.join('\n');
      expect(session.length).toBeGreaterThan(100);
      const secrets = [session, path.split('/')[2]!, PASSWORD, OTHER_PASSWORD, 'a wrong password', user.id];
      for (const secret of [...secrets, 'something else entirely', newAddress]) {
        expect(seen).not.toContain(secret);
      }
    });

    it('accept a form of before a change of the key, and sign nobody out by it', async () => {
      const [first, second] = [randomUUID().repeat(2), randomUUID().repeat(2)];
      const user = await server.createUser();
      const before = await TestApp.start({ settings: { secretKey: first } });
      const visitor = new PageVisitor(before);
      await visitor.signIn(user.email);
      await visitor.open('/account');
      const session = visitor.cookie('latchkey')!;
      await before.stop();
      const after = await TestApp.start({ settings: { secretKey: second, previousSecretKeys: [first] } });
      expect(after.app.get(Keyring).derive('csrf').byId.size).toBe(2);
      const answer = await after.http
        .post('/logout')
        .set('Cookie', `latchkey=${session}`)
        .type('form')
        .send({ _csrf: visitor.csrf });
      expect(answer.status).toBe(303);
      await after.stop();
    });

    it('count a page and the API as one', async () => {
      const limited = await TestApp.start({ settings: { limitPerMinute: 3 } });
      await limited.forgetCounters();
      const visitor = new PageVisitor(limited);
      await visitor.fill('/register', registration(someAddress()));
      await limited.http
        .post('/api/users')
        .send({ email: someAddress(), username: 'Susan', password: PASSWORD })
        .expect(202);
      await visitor.fill('/register', registration(someAddress()));
      const refused = await visitor.fill('/register', registration(someAddress()));
      expect([refused.status, Number(refused.headers['retry-after'])]).toEqual([429, expect.any(Number)]);
      expect(refused.text).toContain('Too many requests');
      await limited.stop();
    });

    it('say that they are busy, and do nothing, while nothing can be counted', async () => {
      const unavailable = { consumeInOrder: () => Promise.reject(new LimiterUnavailableError()) };
      const failing = await TestApp.start({
        settings: { limitPerMinute: 3 },
        override: (builder) => builder.overrideProvider(RateLimiter).useValue(unavailable),
      });
      const answer = await new PageVisitor(failing).fill('/register', registration(someAddress()));
      expect([answer.status, answer.headers['retry-after']]).toEqual([503, '5']);
      expect(answer.text).toContain('Not available right now');
      await failing.stop();
    });
  });

  describe('lead the owner', () => {
    it('by a link to which a mail program has added a slash, or doubled one', async () => {
      const token = await server.tokenFor(await server.createUser());
      for (const path of [
        `/reset_password/${token}/`,
        `//reset_password/${token}`,
        `/reset_password//${token}`,
      ])
        await server.http.get(path).expect(200);
      const cut = await server.http.get('/reset_password/').expect(303);
      expect(cut.headers['location']).toBe('/reset_password_request');
    });

    it('to the password once, however often the form is sent', async () => {
      const user = await server.createUser();
      const path = `/reset_password/${await server.tokenFor(user)}`;
      const visitor = new PageVisitor(server);
      await visitor.open(path);
      const fields = { password: OTHER_PASSWORD, password2: OTHER_PASSWORD };
      const answers = await Promise.all([visitor.submit(path, fields), visitor.submit(path, fields)]);
      answers.push(await visitor.submit(path, fields));
      for (const { status, headers } of answers)
        expect([status, headers['location']]).toEqual([303, '/login']);
      expect((await visitor.open('/login')).text).toContain('Your password has been reset.');
      await server.login(user.email, OTHER_PASSWORD).expect(200);
    });

    it('from the form to the account, by way of the mail', async () => {
      const email = someAddress();
      const visitor = new PageVisitor(server);
      expect(whereTo(await visitor.fill('/register', registration(email)))).toEqual([303, '/login']);
      expect((await visitor.open('/login')).text).toContain(
        'Check your email for the link that confirms your address',
      );
      const path = await linkTo(email, 'verify_email');
      for (let n = 0; n < 3; n++) {
        const opened = await visitor.open(path);
        expect(opened.text).toContain('<bdi>“Susan”</bdi>');
        // Shown masked; the whole address is for password managers.
        expect(opened.text).not.toContain(`>${email}`);
      }
      expect((await visitor.signIn(email)).status).toBe(401);

      const wrong = await visitor.fill(path, { password: OTHER_PASSWORD });
      expect(wrong.status).toBe(403);
      expect(wrong.text).toContain('not the password that was chosen');
      expect(wrong.text).not.toContain(OTHER_PASSWORD);
      expect(whereTo(await visitor.submit(path, { password: PASSWORD }))).toEqual([303, '/login']);
      expect((await visitor.open('/login')).text).toContain('Your address is confirmed.');
      expect(await visitor.isSignedIn()).toBe(false);
      expect(whereTo(await visitor.open(path))).toEqual([303, '/register']);
      expect((await visitor.open('/register')).text).toContain('already been used');
      expect(whereTo(await visitor.signIn(email))).toEqual([303, '/']);
      expect((await visitor.open('/account')).text).toContain(email);
    });

    it('to another password, which ends every session but a new one here', async () => {
      const user = await server.createUser();
      const [here, elsewhere] = [await signedIn(user), await signedIn(user)];
      const before = here.cookie('latchkey')!;
      const changed = await here.fill('/change_password', {
        currentPassword: PASSWORD,
        password: OTHER_PASSWORD,
        password2: OTHER_PASSWORD,
      });
      expect(whereTo(changed)).toEqual([303, '/account']);
      expect((await here.open('/account')).text).toContain('Your password has been changed.');
      expect(await elsewhere.isSignedIn()).toBe(false);
      expect(here.cookie('latchkey')).not.toBe(before);
      await server.me(before).expect(401);
      await server.login(user.email, PASSWORD).expect(401);
      await server.login(user.email, OTHER_PASSWORD).expect(200);
    });

    it('to another address, which signs everybody out when it is confirmed', async () => {
      const [user, newAddress] = [await server.createUser(), someAddress()];
      const visitor = await signedIn(user);
      const asked = await visitor.fill('/change_email', { email: newAddress, currentPassword: PASSWORD });
      expect(whereTo(asked)).toEqual([303, '/account']);
      const path = await linkTo(newAddress, 'confirm_email');
      for (let n = 0; n < 3; n++) await visitor.open(path);
      expect(await visitor.isSignedIn()).toBe(true);

      await visitor.open(path);
      expect(whereTo(await visitor.submit(path))).toEqual([303, '/login']);
      expect(visitor.cookie('latchkey')).toBeUndefined();
      expect((await visitor.open('/login')).text).toContain('Your address has been changed.');
      expect(whereTo(await visitor.signIn(newAddress))).toEqual([303, '/']);
    });

    it('out of a change of address that somebody else has begun', async () => {
      const [user, foreign] = [await server.createUser(), someAddress()];
      const thief = await signedIn(user);
      await thief.fill('/change_email', { email: foreign, currentPassword: PASSWORD });
      const [cancel, confirm] = [
        await linkTo(user.email, 'cancel_email'),
        await linkTo(foreign, 'confirm_email'),
      ];
      const owner = new PageVisitor(server);
      await owner.open(cancel);
      expect(await thief.isSignedIn()).toBe(true);
      expect(whereTo(await owner.submit(cancel))).toEqual([303, '/login']);
      expect((await owner.open('/login')).text).toContain('The change has been stopped');
      expect(await thief.isSignedIn()).toBe(false);
      expect(whereTo(await thief.open(confirm))).toEqual([303, '/login']);
      await server.login(user.email, PASSWORD).expect(200);
    });

    it('out of a reset that they have not asked for', async () => {
      const user = await server.createUser();
      await server.ask(user.email).expect(202);
      const [reset, notMe] = [await linkTo(user.email, 'reset_password'), await linkTo(user.email, 'not_me')];
      const visitor = await signedIn(user);
      expect((await visitor.open(notMe)).text).toContain('For 60 minutes');
      expect(await visitor.isSignedIn()).toBe(true);
      expect(whereTo(await visitor.submit(notMe))).toEqual([303, '/login']);
      expect(visitor.cookie('latchkey')).toBeUndefined();
      expect((await visitor.open('/login')).text).toContain('Those links no longer work');
      expect(whereTo(await visitor.open(reset))).toEqual([303, '/reset_password_request']);
    });

    it('through their sessions, each of which they can end', async () => {
      const user = await server.createUser();
      const here = await signedIn(user);
      server.clock.advance(2);
      const phone = await signedIn(
        user,
        'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1',
      );
      const { text } = await here.open('/account');
      expect(text).toContain('Firefox · Linux');
      expect(text).toContain('Safari · iPhone');
      expect(text.match(/This one/g)).toHaveLength(1);
      const [latest, own] = endPaths(text);
      expect(text.indexOf('Safari')).toBeLessThan(text.indexOf('Firefox'));

      expect((await here.open(latest!)).text).toContain('Safari · iPhone');
      expect((await here.submit(latest!, { currentPassword: OTHER_PASSWORD })).status).toBe(403);
      expect(await phone.isSignedIn()).toBe(true);
      const ended = await here.submit(latest!, { currentPassword: PASSWORD });
      expect(whereTo(ended)).toEqual([303, '/account']);
      expect(await phone.isSignedIn()).toBe(false);
      await here.open('/account');
      const out = await here.submit(own!);
      expect(out.headers['clear-site-data']).toBe('"cache", "storage"');
      expect((await here.open(out.headers['location']!)).text).toContain('You have signed out.');
      expect(whereTo(await here.open('/account'))).toEqual([303, '/login']);
    });

    it('with links that live as long as they say', async () => {
      const email = someAddress();
      await new PageVisitor(server).fill('/register', registration(email));
      const path = await linkTo(email, 'verify_email');
      // The lifetime, and a minute of grace for the hand-over of the mail.
      server.clock.advance(DAY + 58);
      const visitor = new PageVisitor(server);
      expect((await visitor.open(path)).status).toBe(200);
      server.clock.advance(4);
      expect(whereTo(await visitor.submit(path))).toEqual([303, '/register']);
      expect((await visitor.open('/register')).text).toContain('This link has expired.');
    });
  });
});
