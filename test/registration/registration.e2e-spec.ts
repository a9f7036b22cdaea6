import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import PostalMime, { Email } from 'postal-mime';
import {
  Clock,
  parseEmailAddress,
  RecordedSecurityEvent,
  secondsAfter,
  SecurityEvents,
} from '../../src/common';
import { LinkExpiredError, LinkInvalidError, LinkUsedError, SignedTokens } from '../../src/links';
import { Housekeeping, JobQueue } from '../../src/jobs';
import { REPEATED_CONFIRMATIONS } from '../../src/limits';
import { MailService } from '../../src/mail';
import { registrationQueue, RegistrationService } from '../../src/registration';
import { InMemoryJobQueue, MovableClock } from '../../src/testing';
import { PasswordHasher, UsersOptions, UsersService, UserStore } from '../../src/users';
import { AppModule as HostModule } from '../fixtures/registration/app.module';
import { ADDRESS_TWINS } from '../support/address-twins';
import { HostApp } from '../support/host-app';
import { until } from '../support/mail-reader';
import { Registrations, verifyTokenIn } from '../support/registrations';
import { AdapterName, PASSWORD, TestApp, tokenIn } from '../support/test-app';

const OTHER_PASSWORD = 'staple battery horse correct';
const DAY = 86_400;
const SOURCE = { ip: '127.0.0.1' };

const someAddress = () => Registrations.someAddress();

describe('a registration tells nothing about accounts', () => {
  let server: TestApp;
  let addresses: Record<'unknown' | 'known' | 'unverified' | 'disabled', string>;
  let registrations: Registrations;

  beforeAll(async () => {
    const worker = await TestApp.start();
    addresses = {
      unknown: someAddress(),
      known: (await worker.createUser()).email,
      unverified: someAddress(),
      disabled: (await worker.createUser()).email,
    };
    await new Registrations(worker).tokenFor(addresses.unverified);
    await new Registrations(worker).disable(addresses.disabled);
    await worker.stop();
    // Without a worker, so that what is seen is the request alone.
    server = await TestApp.start({ settings: { role: 'web' } });
    registrations = new Registrations(server);
  });
  afterAll(() => server.stop());

  it.each<[string, object]>([
    ['a good registration', {}],
    ['a password that is refused', { password: 'too short' }],
    ['a field of the wrong form', { username: '' }],
  ])('answers %s byte for byte alike for every address', async (_, changes) => {
    const answer = async (email: string) => {
      const { status, text, headers } = await registrations.register(email, changes);
      const { requestId } = JSON.parse(text) as { requestId?: string };
      return {
        status,
        text: requestId ? text.replace(requestId, 'some id') : text,
        headers: { ...headers, date: 'some date', 'x-request-id': 'some id' },
      };
    };
    const expected = await answer(addresses.unknown);
    for (const email of Object.values(addresses)) expect(await answer(email)).toEqual(expected);
  });

  it('does the same work for every address: the same statements, none of them about accounts', async () => {
    const statements = async (email: string) => {
      const seen: string[] = [];
      const { logger } = server.database;
      server.database.logger = Object.assign(Object.create(logger) as typeof logger, {
        logQuery: (query: string) => void seen.push(query),
      });
      await registrations.register(email).expect(202);
      server.database.logger = logger;
      return seen.filter((query) => !query.includes('audit_events'));
    };
    const expected = await statements(addresses.unknown);
    expect(expected).toEqual([
      'START TRANSACTION',
      expect.stringContaining('INSERT INTO "latchkey"."registrations"'),
      expect.stringContaining('INSERT INTO latchkey.jobs'),
      'COMMIT',
    ]);
    for (const email of Object.values(addresses)) expect(await statements(email)).toEqual(expected);
  });

  it('answers a sign-in to an unverified account byte for byte as to none', async () => {
    const answer = async (email: string) => {
      const { status, text } = await server.login(email, PASSWORD);
      const { requestId } = JSON.parse(text) as { requestId: string };
      return { status, text: text.replace(requestId, 'some id') };
    };
    const expected = await answer(addresses.unknown);
    expect(expected.status).toBe(401);
    expect(await answer(addresses.unverified)).toEqual(expected);
    expect(await answer(addresses.disabled)).toEqual(expected);
  });
});

describe('nobody takes over an account through its registration', () => {
  let server: TestApp;
  let registrations: Registrations;

  beforeAll(async () => {
    server = await TestApp.start();
    registrations = new Registrations(server);
  });
  afterAll(() => server.stop());

  it("a stranger who registered somebody's address gains nothing when the owner opens the link: without the stranger's password nobody can confirm", async () => {
    const email = someAddress();
    const planted = await registrations.tokenFor(email, { username: 'Mallory', password: OTHER_PASSWORD });
    const before = [await registrations.accounts(email), await registrations.rows(email)];
    for (const password of [PASSWORD, '', `${OTHER_PASSWORD} `, OTHER_PASSWORD.toUpperCase()])
      expect((await registrations.verify(planted, password).expect(403)).body).toMatchObject({
        code: 'WRONG_PASSWORD',
        errors: [{ field: 'password' }],
      });
    const { body } = await server.http.post('/api/users/verify').send({ token: planted }).expect(400);
    expect(body).toMatchObject({ code: 'VALIDATION_FAILED', errors: [{ field: 'password' }] });
    expect([await registrations.accounts(email), await registrations.rows(email)]).toEqual(before);
    for (const password of [PASSWORD, OTHER_PASSWORD]) await server.login(email, password).expect(401);

    await registrations.verify(await registrations.tokenFor(email)).expect(204);
    await registrations.verify(planted, OTHER_PASSWORD).expect(410);
    await server.login(email, OTHER_PASSWORD).expect(401);
    await server.login(email, PASSWORD).expect(200);
  });

  it('no other password of the address confirms a link: neither that of another attempt nor none', async () => {
    const email = someAddress();
    const own = await registrations.tokenFor(email);
    const foreign = await registrations.tokenFor(email, { password: OTHER_PASSWORD });
    await registrations.verify(own, OTHER_PASSWORD).expect(403);
    await registrations.verify(foreign, PASSWORD).expect(403);
    await registrations.verify(own, (await registrations.rows(email))[0]!.password_hash!).expect(403);
    await registrations.verify(own).expect(204);
  });

  it('a wrong password does not spend the link, however often, and leaves one reason behind', async () => {
    const email = someAddress();
    const token = await registrations.tokenFor(email);
    const { id: registrationId } = (await registrations.rows(email))[0]!;
    const record = jest.spyOn(server.app.get(SecurityEvents), 'record');
    for (let n = 0; n < 5; n++) await registrations.verify(token, OTHER_PASSWORD).expect(403);
    const verified = record.mock.calls
      .map(([event]) => event)
      .filter(({ act }) => act === 'registration_verified');
    expect(verified.map(({ act, outcome, details }) => [act, outcome, details])).toEqual(
      Array(5).fill(['registration_verified', 'failure', { registrationId, reason: 'WRONG_PASSWORD' }]),
    );
    record.mockRestore();
    await registrations.verify(token).expect(204);
    await server.login(email, PASSWORD).expect(200);
  });

  it('a server too busy to compare passwords confirms nothing, and the link stays good', async () => {
    const email = someAddress();
    const token = await registrations.tokenFor(email);
    const options = server.app.get(UsersOptions);
    const { hashQueueLimit } = options;
    options.hashQueueLimit = 0;
    const { body, headers } = await registrations.verify(token).expect(503);
    options.hashQueueLimit = hashQueueLimit;
    expect([body.code, headers['retry-after']]).toEqual(['OVERLOADED', expect.any(String)]);
    await server.login(email, PASSWORD).expect(401);
    await registrations.verify(token).expect(204);
  });

  it('spends no hash on a link that is forged, and few on one that is spent', async () => {
    const email = someAddress();
    const token = await registrations.tokenFor(email);
    await registrations.verify(token).expect(204);
    const verify = jest.spyOn(server.app.get(PasswordHasher), 'verify');
    for (let n = 0; n < REPEATED_CONFIRMATIONS.events; n++) await registrations.verify(token).expect(204);
    expect(verify).toHaveBeenCalledTimes(REPEATED_CONFIRMATIONS.events);
    await registrations.verify(token).expect(410);
    await registrations.verify('x').expect(400);
    expect(verify).toHaveBeenCalledTimes(REPEATED_CONFIRMATIONS.events);
    verify.mockRestore();
  });

  it('a stranger who tried the address first has no password to it after the owner has confirmed', async () => {
    const email = someAddress();
    await registrations.tokenFor(email, { username: 'Mallory', password: OTHER_PASSWORD, locale: 'zh-TW' });
    await registrations.verify(await registrations.tokenFor(email, { locale: 'en' })).expect(204);
    await server.login(email, OTHER_PASSWORD).expect(401);
    const session = (await server.login(email, PASSWORD).expect(200)).body as { accessToken: string };
    expect((await server.me(session.accessToken).expect(200)).body).toMatchObject({
      email,
      username: 'Susan',
    });
    expect(await registrations.accounts(email)).toEqual([
      expect.objectContaining({ username: 'Susan', locale: 'en', unverified_since: null }),
    ]);
  });

  it('a stranger who tried it between has none either: every link brings its own attempt only', async () => {
    const email = someAddress();
    const own = await registrations.tokenFor(email);
    const foreign = await registrations.tokenFor(email, { username: 'Mallory', password: OTHER_PASSWORD });
    await registrations.verify(own).expect(204);
    await server.login(email, PASSWORD).expect(200);
    await server.login(email, OTHER_PASSWORD).expect(401);
    expect((await registrations.verify(foreign, OTHER_PASSWORD).expect(410)).body).toMatchObject({
      code: 'LINK_USED',
    });
    await server.login(email, PASSWORD).expect(200);
    expect((await registrations.rows(email)).map(({ password_hash }) => password_hash)).toEqual([null, null]);
  });

  it('who can read the mails of an address needs no password of anybody: a reset takes the account', async () => {
    const email = someAddress();
    const link = await registrations.tokenFor(email, { password: OTHER_PASSWORD });
    const seen = server.mails.countTo(email);
    await server.ask(email).expect(202);
    const token = tokenIn((await server.mails.next(email, seen, 'reset_password/')).text);
    await server.confirm(token, PASSWORD).expect(204);
    expect((await registrations.verify(link, OTHER_PASSWORD).expect(410)).body).toMatchObject({
      code: 'LINK_USED',
    });
    await server.login(email, PASSWORD).expect(200);
    await server.login(email, OTHER_PASSWORD).expect(401);
    expect((await registrations.rows(email)).map(({ password_hash }) => password_hash)).toEqual([null]);
  });

  it('a reset may set the very password that was typed at the registration', async () => {
    const email = someAddress();
    await registrations.tokenFor(email);
    await server.ask(email).expect(202);
    const token = tokenIn((await server.mails.next(email, 1, 'reset_password/')).text);
    await server.confirm(token, PASSWORD).expect(204);
    await server.login(email, PASSWORD).expect(200);
  });

  it('a confirmation makes the reset links void that were mailed before', async () => {
    const email = someAddress();
    const link = await registrations.tokenFor(email);
    await server.ask(email).expect(202);
    const token = tokenIn((await server.mails.next(email, 1, 'reset_password/')).text);
    await registrations.verify(link).expect(204);
    expect((await server.confirm(token, OTHER_PASSWORD).expect(410)).body.code).toBe('RESET_TOKEN_USED');
    await server.login(email, PASSWORD).expect(200);
  });

  it('a registration with the address of an account changes nothing about it, and tells its owner', async () => {
    const user = await server.createUser({ email: `Susan.${randomUUID()}@example.com`, locale: 'zh-TW' });
    const [before, session] = [await registrations.accounts(user.email), await server.accessTokenFor(user)];
    await registrations
      .register(user.email.toLowerCase(), { username: 'Mallory', password: OTHER_PASSWORD })
      .expect(202);
    const notice = await server.mails.next(user.email);
    expect(notice.envelope.to).toEqual([user.email]);
    expect(notice.source).not.toContain('Mallory');
    expect(notice.text).not.toContain('verify_email');
    await server.idle();
    expect(await registrations.accounts(user.email)).toEqual(before);
    await server.me(session).expect(200);
    await server.login(user.email, OTHER_PASSWORD).expect(401);
    expect(await registrations.rows(user.email)).toEqual([
      expect.objectContaining({ password_hash: null, user_id: null, mailed_at: expect.any(Date) as Date }),
    ]);
  });

  it('nothing is mailed about a disabled account, and it stays disabled', async () => {
    const { email } = await server.createUser();
    const unverified = someAddress();
    const link = await registrations.tokenFor(unverified);
    for (const address of [email, unverified]) await registrations.disable(address);
    server.clock.advance(61);
    for (const address of [email, unverified]) await registrations.register(address).expect(202);
    await server.idle();
    expect([server.mails.countTo(email), server.mails.countTo(unverified)]).toEqual([0, 1]);
    expect((await registrations.verify(link).expect(400)).body).toMatchObject({ code: 'LINK_INVALID' });
    expect((await registrations.rows(email)).map(({ password_hash }) => password_hash)).toEqual([null]);
  });

  it('confirms once for 50 parallel confirmations of one link, and answers a few of them as done', async () => {
    const email = someAddress();
    const token = await registrations.tokenFor(email);
    const answers = await Promise.all(Array.from({ length: 50 }, () => registrations.verify(token)));
    const statuses = answers.map(({ status }) => status).sort();
    const done = 1 + REPEATED_CONFIRMATIONS.events;
    expect(statuses).toEqual([...Array<number>(done).fill(204), ...Array<number>(50 - done).fill(410)]);
    expect(await registrations.accounts(email)).toMatchObject([{ credentials_version: 2 }]);
    await server.login(email, PASSWORD).expect(200);
  });

  it('lets exactly one of 50 parallel confirmations of five links win, with its own password', async () => {
    const email = someAddress();
    const passwords = Array.from({ length: 5 }, (_, n) => `${PASSWORD} number ${n}`);
    const tokens: string[] = [];
    for (const password of passwords) tokens.push(await registrations.tokenFor(email, { password }));
    // Wide open, the moment between the look at the account and its change.
    const users = server.app.get(UsersService);
    const changePassword = users.changePassword.bind(users);
    const slowly = jest.spyOn(users, 'changePassword').mockImplementation(async (...parameters) => {
      await delay(50);
      await changePassword(...parameters);
    });
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, n) => registrations.verify(tokens[n % 5]!, passwords[n % 5])),
    );
    const winners = [...new Set(answers.flatMap(({ status }, n) => (status === 204 ? [n % 5] : [])))];
    slowly.mockRestore();
    expect(winners).toHaveLength(1);
    const done = 1 + REPEATED_CONFIRMATIONS.events;
    expect(answers.filter(({ status }) => status === 410)).toHaveLength(50 - done);
    for (const [n, password] of passwords.entries())
      await server.login(email, password).expect(n === winners[0] ? 200 : 401);
  });

  it('makes one account of twenty parallel registrations of one address, and sends one mail', async () => {
    const email = someAddress();
    await Promise.all(Array.from({ length: 20 }, () => registrations.register(email).expect(202)));
    await server.mails.next(email);
    await server.idle();
    expect(await registrations.accounts(email)).toHaveLength(1);
    expect(server.mails.countTo(email)).toBe(1);
    await registrations.verify(verifyTokenIn(server.mails.to(email)[0]!.text)).expect(204);
  });

  it('takes another spelling of an address for the same account, and mails each link to what was typed', async () => {
    const email = `Susan.${randomUUID()}@example.com`;
    await registrations.tokenFor(email);
    const token = await registrations.tokenFor(email.toLowerCase());
    expect(server.mails.countTo(email)).toBe(1);
    expect(await registrations.accounts(email)).toHaveLength(1);
    await registrations.verify(token).expect(204);
    expect(await registrations.accounts(email)).toMatchObject([{ email: email.toLowerCase() }]);
  });

  it.each(ADDRESS_TWINS)('never takes a twin of an address for it: %s', async (_, name, twin) => {
    const domain = `${randomUUID()}.example.com`;
    await server.createUser({ email: `${name}@${domain}` });
    const { status } = await registrations.register(`${twin}@${domain}`);
    expect([202, 400]).toContain(status);
    await server.idle();
    expect(server.mails.countTo(`${name}@${domain}`)).toBe(0);
  });

  it.each<[string, unknown]>([
    ['id', randomUUID()],
    ['role', 'admin'],
    ['emailVerified', true],
    ['unverifiedSince', null],
    ['passwordHash', 'x'],
    ['credentialsVersion', 7],
    ['userId', randomUUID()],
    ['usedAt', null],
    ['emailKey', 'victim@example.com'],
  ])('takes no field %s from a body', async (field, value) => {
    const email = someAddress();
    const answer = await registrations.register(email, { [field]: value }).expect(400);
    expect(answer.body).toMatchObject({
      code: 'VALIDATION_FAILED',
      errors: [{ field, code: 'unknown_field' }],
    });
    expect(await registrations.rows(email)).toEqual([]);
  });

  it.each(['access', 'password-reset', 'email-change'])(
    'takes no token that was signed for %s',
    async (purpose) => {
      const email = someAddress();
      await registrations.tokenFor(email);
      const [row] = await registrations.rows(email);
      const soon = secondsAfter(server.clock.now(), 60);
      const token = server.app.get(SignedTokens).sign(purpose, row!.id, soon);
      expect((await registrations.verify(token).expect(400)).body).toMatchObject({ code: 'LINK_INVALID' });
      await server.login(email, PASSWORD).expect(401);
    },
  );
});

// Our modules know no HTTP adapter: a host's is as good as ours.
describe.each<AdapterName>(['fastify', 'express'])('registration over REST, on %s', (adapter) => {
  let server: TestApp;
  let registrations: Registrations;

  beforeAll(async () => {
    server = await TestApp.start({ adapter });
    registrations = new Registrations(server);
  });
  afterAll(() => server.stop());

  const refused = async (changes: object) => {
    const email = someAddress();
    const answer = await registrations.register(email, changes);
    await expect(registrations.rows(email)).resolves.toEqual([]);
    return answer;
  };

  it('opens an account by the link of the mail, once, and signs nobody in by it', async () => {
    const email = someAddress();
    const answer = await registrations.register(email).expect(202);
    expect(answer.body).toEqual({ message: 'Check your email for the link that confirms your address' });
    expect(answer.headers['cache-control']).toBe('no-store');
    const token = verifyTokenIn((await server.mails.next(email)).text);
    await server.login(email, PASSWORD).expect(401);

    const confirmed = await registrations.verify(token).expect(204);
    expect([confirmed.text, confirmed.headers['set-cookie']]).toEqual(['', undefined]);
    await server.login(email, PASSWORD).expect(200);
    const other = await registrations.verify(token, OTHER_PASSWORD).expect(410);
    expect(other.body).toMatchObject({ code: 'LINK_USED' });
  });

  it('refuses a password by the policy of every other route', async () => {
    const answer = await refused({ password: 'susan is me' });
    expect([answer.status, answer.body.code]).toEqual([422, 'PASSWORD_REJECTED']);
    const codes = (answer.body.errors as { code: string }[]).map(({ code }) => code);
    expect(codes).toEqual(expect.arrayContaining(['too_short', 'contains_account']));
  });

  it.each([
    [''],
    ['   '],
    ['x'.repeat(65)],
    ['Eve\r\nBcc: victim@example.com'],
    ['Eve\0'],
    ['Eve\u202Ereversed'],
    ['Eve\u2066isolated'],
    ['Eve\u200Bsplit'],
    ['\u200D'],
    ['\u3164'],
    ['\u2800'],
    ['Eve\u2028Adam'],
    [7],
    [null],
    [['Eve']],
  ])('refuses the name %j', async (username) => {
    const answer = await refused({ username });
    expect(answer.body).toMatchObject({ code: 'VALIDATION_FAILED', errors: [{ field: 'username' }] });
  });

  it.each([
    'S',
    '王小明',
    "Conan O'Brien Jr.",
    'محمد',
    'می\u200Cخواهم',
    '👩\u200D💻',
    '\u{1F600}'.repeat(64),
  ])('takes the name %j as it is', async (username) => {
    const email = someAddress();
    await registrations.verify(await registrations.tokenFor(email, { username })).expect(204);
    expect(await registrations.accounts(email)).toMatchObject([{ username }]);
  });

  it.each([
    ['zh-TW', 'zh-TW'],
    ['zh-tw', 'zh-TW'],
    ['zh-Hant-TW', 'zh-TW'],
    ['zh_HK', 'zh-TW'],
    ['en-US', 'en'],
    ['en_US', 'en'],
    ['de', null],
    ['xx', null],
    ['../en', null],
    ['__proto__', null],
    ['', null],
    [null, null],
  ])('takes the language %j as a wish, for %j', async (locale, kept) => {
    const email = someAddress();
    await registrations.verify(await registrations.tokenFor(email, { locale })).expect(204);
    expect(await registrations.accounts(email)).toMatchObject([{ locale: kept }]);
  });

  it.each([['x'.repeat(36)], [7], [['en']], ['en\0']])(
    'refuses what is no name of a language: %j',
    async (locale) => {
      const { status, body } = await refused({ locale });
      expect([status, body.errors[0].field]).toEqual([400, 'locale']);
    },
  );

  it('lets a link die at its lifetime', async () => {
    const [early, late] = [someAddress(), someAddress()];
    const tokens = [await registrations.tokenFor(early), await registrations.tokenFor(late)];
    // The first is ten minutes older.
    server.clock.advance(DAY - 690);
    await registrations.verify(tokens[0]!).expect(204);
    server.clock.advance(780);
    expect((await registrations.verify(tokens[1]!).expect(410)).body).toMatchObject({ code: 'LINK_EXPIRED' });
    expect((await registrations.verify(tokens[0]!).expect(410)).body).toMatchObject({ code: 'LINK_EXPIRED' });
    await server.login(late, PASSWORD).expect(401);
    await registrations.verify(await registrations.tokenFor(late)).expect(204);
  });
});

describe('the mails of a registration', () => {
  let server: TestApp;
  let registrations: Registrations;

  beforeAll(async () => {
    server = await TestApp.start({ settings: { appName: 'Microblog' } });
    registrations = new Registrations(server);
  });
  afterAll(() => server.stop());

  const mailAfter = async (email: string, changes: object = {}) => {
    const seen = server.mails.countTo(email);
    await registrations.register(email, changes).expect(202);
    const { source } = await server.mails.next(email, seen);
    return { source, mail: await PostalMime.parse(source) };
  };

  const linksOf = (mail: Email) => ({
    inText: mail.text!.match(/https?:\/\/\S+/g),
    anchors: [...mail.html!.matchAll(/<a\s[^>]*href="([^"]*)"/g)].map(([, href]) => href),
    inHtml: [...new Set(mail.html!.match(/https?:\/\/[^\s"<]+/g))],
  });

  it('say when it was asked for, how long the link lives, and what to do if it was not you', async () => {
    const { mail } = await mailAfter(someAddress());
    const now = server.clock.now().toISOString();
    expect(mail.subject).toBe('[Microblog] Confirm Your Email Address');
    for (const part of [mail.text!, mail.html!]) {
      expect(part).toContain('Hello,');
      expect(part).not.toContain('Susan');
      expect(part).toContain(`${now.slice(0, 10)} ${now.slice(11, 13)}`);
      expect(part).toContain('24 hours');
      expect(part).toContain('enter the password that you chose when you registered');
      expect(part).toContain('If it was not you who asked at that time simply ignore this message');
    }
  });

  it('carry one and the same link in the text and in the HTML', async () => {
    const { email } = await server.createUser();
    for (const address of [someAddress(), email]) {
      const { inText, anchors, inHtml } = linksOf((await mailAfter(address)).mail);
      expect(inText).toHaveLength(1);
      expect([anchors, inHtml]).toEqual([inText, inText]);
    }
  });

  it('tell the owner of an account, in their language and by their name, where to get a new password', async () => {
    const user = await server.createUser({ username: 'Susan Jones', locale: 'zh-TW' });
    const { mail } = await mailAfter(user.email, { username: 'Mallory', locale: 'en' });
    expect(mail.subject).toBe('[Microblog] 您已經有帳號了');
    expect(mail.text).toContain('Susan Jones 您好');
    expect(linksOf(mail).inText).toEqual(['http://localhost:3000/reset_password_request']);
    const { email } = await server.createUser();
    const english = (await mailAfter(email)).mail;
    expect(english.subject).toBe('[Microblog] You Already Have an Account');
    for (const part of [english.text!, english.html!])
      expect(part).toContain('nothing about it has been changed');
  });

  it.each([
    '<b>bold</b><a href="https://evil.example/">x</a>',
    'https://evil.example/win',
    'www.evil.example, hurry',
    '{{verifyUrl}} {{username}} $t(mail.team)',
    '#{verifyUrl} !{verifyUrl}',
    '=?utf-8?q?Bcc=3A?= victim@example.com',
  ])('show the name that a stranger has typed as nothing but text: %j', async (username) => {
    const { mail, source } = await mailAfter(someAddress(), { username });
    const { inText, anchors, inHtml } = linksOf(mail);
    expect(inText).toEqual([expect.stringMatching(/^http:\/\/localhost:3000\/verify_email\/[\w.-]+$/)]);
    expect([anchors, inHtml]).toEqual([inText, inText]);
    expect(mail.html).not.toContain('<b>');
    for (const part of [mail.text!, mail.html!]) {
      expect(part).not.toMatch(/evil\.example|victim@/);
      expect(part.split(inText![0])).toHaveLength(part === mail.text ? 2 : 3);
    }
    expect(source).not.toMatch(/^(B?cc|Reply-To):/im);
    expect(mail.to).toHaveLength(1);
  });

  it.each([
    ['Host', 'evil.example'],
    ['X-Forwarded-Host', 'evil.example'],
    ['Origin', 'https://evil.example'],
    ['Accept-Language', 'zh-TW'],
  ])('let nothing of the header %s in', async (name, value) => {
    const email = someAddress();
    await registrations.register(email).set(name, value).expect(202);
    const mail = await server.mails.next(email);
    expect(mail.source).not.toContain('evil');
    expect(mail.subject).toBe('[Microblog] Confirm Your Email Address');
    verifyTokenIn(mail.text);
  });

  it.each<[string, () => Promise<string>]>([
    ['nobody has', () => Promise.resolve(someAddress())],
    ['somebody has', async () => (await server.createUser()).email],
  ])('are two a minute apart, then one each ten minutes, to an address that %s', async (_, address) => {
    const email = await address();
    const registerAndWait = async () => {
      await registrations.register(email).expect(202);
      await server.idle();
    };
    await registerAndWait();
    await registerAndWait();
    server.clock.advance(45);
    await registerAndWait();
    expect(server.mails.countTo(email)).toBe(1);
    const mails = [];
    for (const seconds of [16, 61, 530, 10, 590, 11, 3601, 61]) {
      server.clock.advance(seconds);
      await registerAndWait();
      mails.push(server.mails.countTo(email));
    }
    expect(mails).toEqual([2, 2, 2, 3, 3, 4, 5, 6]);
    // An attempt that got no mail keeps no password.
    const kept = (await registrations.rows(email)).filter(({ password_hash }) => password_hash !== null);
    expect([0, 6]).toContain(kept.length);
  });
});

describe('a registration whose work is interrupted', () => {
  let server: TestApp;
  let registrations: Registrations;

  beforeAll(async () => {
    server = await TestApp.start();
    registrations = new Registrations(server);
  });
  afterAll(() => server.stop());
  afterEach(() => jest.restoreAllMocks());

  /** Lets the first call of a step fail, as a crash at that moment would. */
  const interrupt = <T extends object>(service: T, method: keyof T & string) =>
    jest.spyOn(service, method as never).mockRejectedValueOnce(new Error('a crash') as never);

  it.each<[string, () => jest.SpyInstance]>([
    ['before the account is made', () => interrupt(server.app.get(UsersService), 'findByEmail')],
    ['after the account is made', () => interrupt(server.app.get(UsersService), 'lock')],
    ['when the mail is added', () => interrupt(server.app.get(MailService), 'enqueue')],
    ['at the very end of it', () => interrupt(server.app.get(SecurityEvents), 'record')],
  ])('goes on %s: one account, one mail, a link that works', async (_, crash) => {
    const email = someAddress();
    const registration = server.app.get(RegistrationService);
    const request = registration.request.bind(registration);
    jest.spyOn(registration, 'request').mockImplementation(async (...parameters) => {
      await request(...parameters);
      crash();
    });
    await registrations.register(email).expect(202);
    await until(() => server.retryNow().then(() => server.mails.countTo(email) > 0), 'the mail');
    await server.idle();
    expect(server.mails.countTo(email)).toBe(1);
    expect(await registrations.accounts(email)).toHaveLength(1);
    await registrations.verify(verifyTokenIn(server.mails.to(email)[0]!.text)).expect(204);
  });

  it('does nothing again when its job is run again', async () => {
    const [email, { email: known }] = [someAddress(), await server.createUser()];
    const token = await registrations.tokenFor(email);
    await registrations.register(known).expect(202);
    await server.mails.next(known);
    const again = async () => {
      server.clock.advance(61);
      for (const address of [email, known])
        for (const { id } of await registrations.rows(address))
          await server.app.get(JobQueue).enqueue(registrationQueue, { registrationId: id });
      await server.idle();
      expect([server.mails.countTo(email), server.mails.countTo(known)]).toEqual([1, 1]);
    };
    await again();
    await registrations.verify(token).expect(204);
    await again();
    await server.login(email, PASSWORD).expect(200);
  });

  it('is answered once when several workers hold its job at the same time', async () => {
    const email = someAddress();
    const jobs = server.app.get(JobQueue);
    const enqueue = jobs.enqueue.bind(jobs);
    jest.spyOn(jobs, 'enqueue').mockImplementation(async (queue, data) => {
      const copies = queue.name === registrationQueue.name ? 4 : 1;
      for (let n = 0; n < copies; n++) await enqueue(queue, data);
      return true;
    });
    await registrations.register(email).expect(202);
    await server.mails.next(email);
    await server.idle();
    expect(server.mails.countTo(email)).toBe(1);
    await registrations.verify(verifyTokenIn(server.mails.to(email)[0]!.text)).expect(204);
  });

  it('leaves nothing behind when the answer was an error', async () => {
    const email = someAddress();
    interrupt(server.app.get(JobQueue), 'enqueue');
    await registrations.register(email).expect(500);
    expect(await registrations.rows(email)).toEqual([]);
  });

  it('leaves the link good when its confirmation fails half-way', async () => {
    const email = someAddress();
    const token = await registrations.tokenFor(email);
    interrupt(server.app.get(UsersService), 'markEmailVerified');
    await registrations.verify(token).expect(500);
    await server.login(email, PASSWORD).expect(401);
    await registrations.verify(token).expect(204);
    await server.login(email, PASSWORD).expect(200);
  });
});

describe('what is left of registrations', () => {
  let server: TestApp;
  let registrations: Registrations;

  beforeAll(async () => {
    server = await TestApp.start();
    registrations = new Registrations(server);
  });
  afterAll(() => server.stop());

  const daysLater = async (days: number) => {
    server.clock.advance(days * DAY);
    await server.app.get(Housekeeping).run();
  };

  it('is forgotten after seven days, and the address is free again', async () => {
    const [email, verified] = [someAddress(), someAddress()];
    const token = await registrations.tokenFor(email, { username: 'Mallory' });
    await registrations.verify(await registrations.tokenFor(verified)).expect(204);
    await daysLater(6.9);
    expect(await registrations.accounts(email)).toHaveLength(1);
    await daysLater(0.2);
    for (const address of [email, verified]) expect(await registrations.rows(address)).toEqual([]);
    expect(await registrations.accounts(email)).toEqual([]);
    expect(await registrations.accounts(verified)).toHaveLength(1);
    await registrations.verify(token).expect(410);
    await registrations.verify(await registrations.tokenFor(email)).expect(204);
    expect(await registrations.accounts(email)).toMatchObject([{ username: 'Susan' }]);
  });

  it('lives on with a new attempt, whose link works to its end', async () => {
    const email = someAddress();
    await registrations.tokenFor(email);
    await daysLater(6.5);
    const token = await registrations.tokenFor(email);
    await daysLater(0.9);
    expect(await registrations.rows(email)).toHaveLength(1);
    await registrations.verify(token).expect(204);
    await daysLater(30);
    await server.login(email, PASSWORD).expect(200);
  });

  it('is told as events, in which no secret and no whole address is', async () => {
    const told: RecordedSecurityEvent[] = [];
    server.app.get(SecurityEvents).onEvent((event) => {
      told.push(event);
      return Promise.resolve();
    });
    const email = someAddress();
    const token = await registrations.tokenFor(email);
    await registrations.register(email).expect(202);
    await server.idle();
    await server.app.get(RegistrationService).inspect(token, SOURCE);
    await registrations.verify(token).expect(204);
    await registrations.verify(token, OTHER_PASSWORD).expect(410);

    const mine = told.filter(({ act }) => act.startsWith('registration'));
    const userId = (await registrations.accounts(email))[0]!.id;
    expect(mine.map(({ act, outcome, details }) => [act, outcome, details['reason']])).toEqual([
      ['registration_requested', 'success', undefined],
      ['registration_mailed', 'success', undefined],
      ['registration_requested', 'success', undefined],
      ['registration_mailed', 'failure', 'cooldown'],
      ['registration_opened', 'success', undefined],
      ['registration_verified', 'success', undefined],
      ['registration_verified', 'failure', 'LINK_USED'],
    ]);
    expect(mine.map((event) => event.userId)).toEqual([
      undefined,
      userId,
      undefined,
      userId,
      userId,
      userId,
      userId,
    ]);
    for (const secret of [email, token, PASSWORD, 'Susan'])
      expect(JSON.stringify(mine)).not.toContain(secret);
  });
});

describe('looking at the link of a registration', () => {
  let server: TestApp;
  let registrations: Registrations;

  beforeAll(async () => {
    server = await TestApp.start();
    registrations = new Registrations(server);
  });
  afterAll(() => server.stop());

  const look = (token: string) => server.app.get(RegistrationService).inspect(token, SOURCE);

  it('tells who asked, and spends nothing, however often', async () => {
    const email = someAddress();
    const token = await registrations.tokenFor(email);
    const before = await registrations.accounts(email);
    for (let n = 0; n < 10; n++) {
      const { requestedAt, ...rest } = await look(token);
      expect(rest).toEqual({ username: 'Susan', email });
      expect(Math.abs(server.clock.now().getTime() - requestedAt.getTime())).toBeLessThan(60_000);
    }
    expect(await registrations.accounts(email)).toEqual(before);
    await registrations.verify(token).expect(204);
  });

  it('tells when it is dead, as a confirmation does', async () => {
    const email = someAddress();
    const [first, second] = [await registrations.tokenFor(email), await registrations.tokenFor(email)];
    await registrations.verify(first).expect(204);
    await expect(look(first)).rejects.toBeInstanceOf(LinkUsedError);
    await expect(look(second)).rejects.toBeInstanceOf(LinkUsedError);
    await expect(look('x')).rejects.toBeInstanceOf(LinkInvalidError);
    server.clock.advance(DAY + 61);
    await expect(look(second)).rejects.toBeInstanceOf(LinkExpiredError);
  });
});

describe.each<AdapterName>(['fastify', 'express'])('registration in a host on %s, in memory', (adapter) => {
  let host: HostApp;

  beforeAll(async () => {
    host = await HostApp.start(HostModule, adapter);
  });
  afterAll(() => host.stop());

  const mailTo = async (email: string) => {
    await until(() => host.outbox.to(email).length > 0, `a mail to ${email}`);
    return host.outbox.to(email)[0]!.values as Record<string, string>;
  };
  const register = (email: string) =>
    host.http.post('/api/users').send({ email, username: 'Susan', password: PASSWORD });

  it('opens an account by the link of the host', async () => {
    const email = someAddress();
    await register(email).expect(202);
    const { verifyUrl, hours } = await mailTo(email);
    expect([verifyUrl, hours]).toEqual([expect.stringMatching(/^https:\/\/shop\.example\.com\/welcome#/), 2]);
    await host.login(email).expect(401);
    const token = verifyUrl!.split('#')[1]!;
    // The first one, and as many repeats as are answered as done.
    const answers = await Promise.all(
      Array.from({ length: 6 }, () =>
        host.http.post('/api/users/verify').send({ token, password: PASSWORD }),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array<number>(6).fill(204));
    await host.me(await host.accessTokenFor(email)).expect(200);
  });

  it('tells people who have an account where to get a new password', async () => {
    const { email } = await host.createUser();
    await register(email).expect(202);
    const { requestUrl } = await mailTo(email);
    expect(requestUrl).toBe('https://shop.example.com/reset_password_request');
    await host.login(email).expect(200);
  });

  it('forgets who has not confirmed', async () => {
    const email = someAddress();
    await register(email).expect(202);
    await mailTo(email);
    (host.get(Clock) as MovableClock).advance(7 * DAY + 60);
    await host.get(Housekeeping).run();
    expect(await host.get(UsersService).findByEmail(parseEmailAddress(email)!)).toBeUndefined();
  });

  it('gives no account to anybody where the table of users cannot keep that it is unverified', async () => {
    const store = host.get(UserStore);
    const insert = store.insert.bind(store);
    const lossy = jest
      .spyOn(store, 'insert')
      .mockImplementation((user) => insert({ ...user, unverifiedSince: null }));
    const email = someAddress();
    await register(email).expect(202);
    await host.get(InMemoryJobQueue).idle();
    lossy.mockRestore();
    expect(host.outbox.to(email)).toEqual([]);
    expect(await host.get(UsersService).findByEmail(parseEmailAddress(email)!)).toBeUndefined();
    await host.login(email).expect(401);
  });
});
