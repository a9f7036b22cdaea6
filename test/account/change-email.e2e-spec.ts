import { randomUUID } from 'node:crypto';
import { parseEmailAddress, SecurityEvent, SecurityEvents } from '../../src/common';
import { Housekeeping } from '../../src/jobs';
import { MailService } from '../../src/mail';
import { User, UsersService } from '../../src/users';
import { Account, tokenOf } from '../support/account';
import { AdapterName, PASSWORD, TestApp } from '../support/test-app';

const NEW_PASSWORD = 'staple battery horse correct';

const newAddress = () => `new-${randomUUID()}@example.com`;

describe.each<AdapterName>(['fastify', 'express'])('change of address over REST, on %s', (adapter) => {
  let server: TestApp;
  let account: Account;

  beforeAll(async () => {
    server = await TestApp.start({ adapter });
    account = new Account(server);
  });
  afterAll(() => server.stop());

  it('is not begun by who has a session but not the password', async () => {
    const [user, email] = [await server.createUser(), newAddress()];
    const stolen = await server.accessTokenFor(user);
    const answer = await account.changeEmail(stolen, email, 'wrong').expect(403);
    expect(answer.body).toMatchObject({ code: 'WRONG_PASSWORD', errors: [{ field: 'currentPassword' }] });
    await account.changeEmail('x', email).expect(401);
    await server.idle();
    expect([server.mails.countTo(user.email), server.mails.countTo(email)]).toEqual([0, 0]);
    expect(await changesOf(server, user.id)).toEqual([]);
  });

  it('changes nothing until the new address has confirmed', async () => {
    const [user, email] = [await server.createUser(), newAddress()];
    const session = await server.accessTokenFor(user);
    const { confirm } = await account.emailChangeTokens(user, email);
    expect((await server.me(session).expect(200)).body).toMatchObject({ email: user.email });
    await server.login(email, PASSWORD).expect(401);
    await server.login(user.email, PASSWORD).expect(200);
    const [seenOld, seenNew] = [server.mails.countTo(user.email), server.mails.countTo(email)];
    await server.ask(email).expect(202);
    await server.ask(user.email).expect(202);
    expect((await server.mails.next(user.email, seenOld)).subject).toContain('Reset');
    await server.idle();
    expect(server.mails.countTo(email)).toBe(seenNew);

    await account.confirmEmail(confirm).expect(204);
    await server.login(user.email, PASSWORD).expect(401);
    await server.login(email, PASSWORD).expect(200);
    await server.ask(user.email).expect(202);
    await server.tokenFor({ ...user, email });
  });

  it('ends every session and every link when it is confirmed, and signs nobody in', async () => {
    const [user, email] = [await server.createUser(), newAddress()];
    const sessions = [await server.accessTokenFor(user), await server.accessTokenFor(user)];
    const { confirm, cancel } = await account.emailChangeTokens(user, email);
    const reset = await server.tokenFor(user);
    const answer = await account.confirmEmail(confirm).expect(204);
    expect([answer.text, answer.headers['set-cookie']]).toEqual(['', undefined]);
    for (const session of sessions) await server.me(session).expect(401);
    await server.confirm(reset, 'an intruder was here too').expect(410);
    await account.confirmEmail(confirm).expect(204);
    const stopped = await account.cancelEmail(cancel).expect(410);
    expect(stopped.body).toMatchObject({ code: 'ADDRESS_MOVED' });
    await server.login(email, PASSWORD).expect(200);
  });

  it('can be stopped from the old mailbox, which throws out whoever asked', async () => {
    const [user, email] = [await server.createUser(), newAddress()];
    const { confirm, cancel } = await account.emailChangeTokens(user, email);
    const [thief, reset] = [await server.accessTokenFor(user), await server.tokenFor(user)];
    await account.cancelEmail(cancel).expect(204);
    await server.me(thief).expect(401);
    await server.confirm(reset, 'an intruder was here too').expect(410);
    const confirmed = await account.confirmEmail(confirm).expect(410);
    expect(confirmed.body).toMatchObject({ code: 'LINK_USED' });
    await account.cancelEmail(cancel).expect(204);
    await server.login(email, PASSWORD).expect(401);
    await server.login(user.email, PASSWORD).expect(200);
  });

  it.each([
    [
      'a reset',
      async (user: User) => {
        const reset = await server.tokenFor(user);
        await server.confirm(reset, NEW_PASSWORD).expect(204);
      },
    ],
    [
      'a change of password',
      async (user: User) => {
        const session = await server.accessTokenFor(user);
        await account.changePassword(session, NEW_PASSWORD).expect(200);
      },
    ],
    ['the end of all access', (user: User) => server.app.get(UsersService).revokeAccess(user.id)],
  ])('dies by %s', async (_, change) => {
    const [user, email] = [await server.createUser(), newAddress()];
    const { confirm } = await account.emailChangeTokens(user, email);
    await change(user);
    await account.confirmEmail(confirm, PASSWORD).expect(410);
    expect(await emailOf(server, user.id)).toBe(user.email);
  });

  it('tells the old address at once, and both when it is done', async () => {
    const user = await server.createUser({ username: 'https://evil.example/x' });
    const email = newAddress();
    const { confirm } = await account.emailChangeTokens(user, email);
    const started = await server.mails.next(user.email, 0);
    expect(started.subject).toBe('[Latchkey] Your Email Address Is About to Change');
    for (const fact of [email, '127.0.0.1', '7 days']) expect(started.text).toContain(fact);
    const asked = await server.mails.next(email, 0);
    expect(asked.subject).toBe('[Latchkey] Confirm Your New Email Address');
    expect(asked.text).toContain('24 hours');
    expect(asked.source).not.toContain(user.email);

    await account.confirmEmail(confirm).expect(204);
    const done = [await server.mails.next(user.email, 1), await server.mails.next(email, 1)];
    for (const mail of done) {
      expect(mail.subject).toBe('[Latchkey] Your Email Address Was Changed');
      for (const fact of [email, '127.0.0.1']) expect(mail.text).toContain(fact);
    }
    expect(done[0]!.text).toContain('reset your password with this address within 24 hours');
    expect(done[1]!.text).not.toContain('://');
    for (const mail of [started, asked, ...done]) {
      expect(mail.envelope.to).toHaveLength(1);
      expect(mail.source).not.toContain('evil.example');
    }
    await server.idle();
    expect([server.mails.countTo(user.email), server.mails.countTo(email)]).toEqual([2, 2]);
  });

  it('shows no letter of a domain that could pass for another', async () => {
    const [user, domain] = [await server.createUser(), `${randomUUID()}.b\u00fccher.example`];
    await account.changeEmail(await server.accessTokenFor(user), `Susan@${domain}`).expect(202);
    const { text } = await server.mails.next(user.email);
    expect(text).toContain(`Susan@${domain.replace('b\u00fccher', 'xn--bcher-kva')}`);
    expect(text).not.toContain('b\u00fccher');
  });

  it.each(['exactly', 'in capitals'])('refuses the address that somebody has already, %s', async (how) => {
    const user = await server.createUser();
    const email = how === 'exactly' ? user.email : user.email.toUpperCase();
    const answer = await account.changeEmail(await server.accessTokenFor(user), email).expect(400);
    expect(answer.body).toMatchObject({
      code: 'VALIDATION_FAILED',
      errors: [{ field: 'email', code: 'unchanged' }],
    });
    await server.idle();
    expect(server.mails.countTo(user.email)).toBe(0);
  });

  it('sends the link to exactly the address that was typed, once', async () => {
    const [user, email] = [await server.createUser(), `Susan.${newAddress()}`];
    const { confirm } = await account.emailChangeTokens(user, email);
    expect((await server.mails.next(email)).envelope.to).toEqual([email]);
    await account.confirmEmail(confirm).expect(204);
    expect(await emailOf(server, user.id)).toBe(email);
    await server.login(email.toLowerCase(), PASSWORD).expect(200);
  });
});

describe('an address that is taken', () => {
  let server: TestApp;
  let account: Account;

  beforeAll(async () => {
    server = await TestApp.start();
    account = new Account(server);
  });
  afterAll(() => server.stop());

  it('looks like success, byte for byte; its owner gets a notice and no link', async () => {
    const [owner, user] = [await server.createUser({ username: 'Tom' }), await server.createUser()];
    const session = await server.accessTokenFor(user);
    const answer = async (email: string) => {
      const { status, text, headers } = await account.changeEmail(session, email);
      return { status, text, headers: { ...headers, date: 'some date' } };
    };
    const free = await answer(newAddress());
    expect(free.status).toBe(202);
    // A mail about a change that another one has replaced is not sent any more.
    await server.mails.next(user.email, 0);
    expect(await answer(owner.email)).toEqual(free);

    const notice = await server.mails.next(owner.email);
    expect(notice.subject).toBe('[Latchkey] Somebody Asked for Your Email Address');
    expect(notice.text).toContain('Dear Tom,');
    expect(notice.text).not.toContain('Susan');
    expect(notice.text.match(/https?:\/\/\S+/g)).toEqual(['http://localhost:3000/reset_password_request']);
    expect(notice.source).not.toContain(user.email);
    const told = await Promise.all([0, 1].map((seen) => server.mails.next(user.email, seen)));
    expect(told.map(({ subject }) => subject)).toEqual(Array(2).fill(told[0]!.subject));
    await server.login(owner.email, PASSWORD).expect(200);
  });

  it('causes the same work in the request', async () => {
    const web = await TestApp.start({ settings: { role: 'web' } });
    try {
      const [owner, user] = [await web.createUser(), await web.createUser()];
      const session = await web.accessTokenFor(user);
      const statements = async (email: string) => {
        const seen: string[] = [];
        const { logger } = web.database;
        web.database.logger = Object.assign(Object.create(logger) as typeof logger, {
          logQuery: (query: string) => void seen.push(query),
        });
        await new Account(web).changeEmail(session, email).expect(202);
        web.database.logger = logger;
        // Written now and then, for all requests together.
        return seen.filter((statement) => !statement.includes('latchkey.audit_events'));
      };
      await statements(newAddress());
      const expected = await statements(newAddress());
      expect(expected.some((statement) => statement.includes('email_changes'))).toBe(true);
      expect(await statements(owner.email)).toEqual(expected);
    } finally {
      await web.stop();
    }
  });

  it('that was free when the link was mailed makes the link void', async () => {
    const [user, email] = [await server.createUser(), newAddress()];
    const { confirm } = await account.emailChangeTokens(user, email);
    const session = await server.accessTokenFor(user);
    const owner = await server.createUser({ email });
    const answer = await account.confirmEmail(confirm).expect(410);
    expect(answer.body).toMatchObject({ code: 'LINK_USED' });
    expect(await emailOf(server, user.id)).toBe(user.email);
    expect(await emailOf(server, owner.id)).toBe(email);
    await server.me(session).expect(200);
    await account.confirmEmail(confirm).expect(410);
  });

  it('goes to one of two accounts that confirm it at the same moment', async () => {
    for (let round = 0; round < 10; round++) {
      const email = newAddress();
      const users = [await server.createUser(), await server.createUser()];
      const tokens = [];
      for (const user of users) {
        tokens.push((await account.emailChangeTokens(user, email)).confirm);
        server.clock.advance(61);
      }
      const answers = await Promise.all(tokens.map((token) => account.confirmEmail(token)));
      expect(answers.map(({ status }) => status).sort()).toEqual([204, 410]);
      const winner = answers.findIndex(({ status }) => status === 204);
      expect(await emailOf(server, users[winner]!.id)).toBe(email);
      expect(await emailOf(server, users[1 - winner]!.id)).toBe(users[1 - winner]!.email);
    }
  });

  it('is not taken by an account that has never proven it', async () => {
    const [user, email] = [await server.createUser(), newAddress()];
    const squatter = await server.app
      .get(UsersService)
      .createUnverified({ email: parseEmailAddress(email)!, username: 'Mallory' });
    const { confirm } = await account.emailChangeTokens(user, email);
    await account.confirmEmail(confirm).expect(204);
    expect(await emailOf(server, user.id)).toBe(email);
    expect(await emailOf(server, squatter.id)).toBeUndefined();
  });
});

describe('the links of a change of address', () => {
  let server: TestApp;
  let account: Account;

  beforeAll(async () => {
    server = await TestApp.start();
    account = new Account(server);
  });
  afterAll(() => server.stop());

  it('lets only one of 50 parallel confirmations act, and answers all of them as done', async () => {
    const [user, email] = [await server.createUser(), newAddress()];
    const { confirm } = await account.emailChangeTokens(user, email);
    const session = await server.accessTokenFor(user);
    const confirmSignedIn = () =>
      server.http
        .post('/api/email-change/confirm')
        .set('Authorization', `Bearer ${session}`)
        .send({ token: confirm });
    const answers = await Promise.all(Array.from({ length: 50 }, confirmSignedIn));
    expect(answers.filter(({ status }) => status === 204)).toHaveLength(50);
    expect(await versionOf(server, user.id)).toBe(user.credentialsVersion + 1);
    await server.idle();
    expect([server.mails.countTo(user.email), server.mails.countTo(email)]).toEqual([2, 2]);
  });

  it('never lets a confirmation and a stop both win', async () => {
    for (let round = 0; round < 10; round++) {
      const [user, email] = [await server.createUser(), newAddress()];
      const { confirm, cancel } = await account.emailChangeTokens(user, email);
      const [confirmed, cancelled] = await Promise.all([
        account.confirmEmail(confirm),
        account.cancelEmail(cancel),
      ]);
      expect([confirmed.status, cancelled.status].sort()).toEqual([204, 410]);
      expect(await emailOf(server, user.id)).toBe(confirmed.status === 204 ? email : user.email);
    }
  });

  it('are good for the address that they were mailed to, whatever was asked for later', async () => {
    const [user, first, second] = [await server.createUser(), newAddress(), newAddress()];
    const tokens = [
      await account.emailChangeTokens(user, first),
      await account.emailChangeTokens(user, second),
    ];
    await account.confirmEmail(tokens[0]!.confirm).expect(410);
    await account.confirmEmail(tokens[1]!.confirm).expect(204);
    expect(await emailOf(server, user.id)).toBe(second);
  });

  it('confirm one of two changes that were asked for at the same moment', async () => {
    for (let round = 0; round < 5; round++) {
      const [user, emails] = [await server.createUser(), [newAddress(), newAddress()]];
      const session = await server.accessTokenFor(user);
      await Promise.all(emails.map((email) => account.changeEmail(session, email).expect(202)));
      await server.idle();
      // The one that was replaced may have been mailed already.
      const mailed = emails.filter((email) => server.mails.countTo(email) > 0);
      const answers: { email: string; status: number }[] = [];
      for (const email of mailed) {
        const token = tokenOf('confirm_email', (await server.mails.next(email)).text);
        answers.push({ email, status: (await account.confirmEmail(token)).status });
      }
      const confirmed = answers.filter(({ status }) => status === 204);
      expect(confirmed).toHaveLength(1);
      expect(await emailOf(server, user.id)).toBe(confirmed[0]!.email);
    }
  });

  it('open nothing else: each is good for one purpose', async () => {
    const user = await server.createUser();
    const reset = await server.tokenFor(user);
    const session = await server.accessTokenFor(user);
    const { confirm, cancel } = await account.emailChangeTokens(user, newAddress());
    for (const token of [cancel, reset, session, '', 'x', `${confirm}x`, confirm.slice(0, -1)])
      expect((await account.confirmEmail(token).expect(400)).body).toMatchObject({ code: 'LINK_INVALID' });
    for (const token of [confirm, reset, session, 'x'])
      expect((await account.cancelEmail(token).expect(400)).body).toMatchObject({ code: 'LINK_INVALID' });
    for (const token of [confirm, cancel]) {
      await server.look(token).expect(400);
      await server.me(token).expect(401);
    }
    expect(await emailOf(server, user.id)).toBe(user.email);
  });

  it.each([
    ['confirm', 86_400 + 60],
    ['cancel', 604_800 + 60],
  ] as const)('die at their lifetime, a minute of grace included: the one to %s', async (kind, seconds) => {
    const users = [await server.createUser(), await server.createUser()];
    const tokens = [];
    for (const user of users) tokens.push((await account.emailChangeTokens(user, newAddress()))[kind]);
    const use = (token: string) =>
      kind === 'confirm' ? account.confirmEmail(token) : account.cancelEmail(token);
    try {
      server.clock.advance(seconds - 60);
      await use(tokens[0]!).expect(204);
      server.clock.advance(61);
      expect((await use(tokens[1]!).expect(410)).body).toMatchObject({ code: 'LINK_EXPIRED' });
    } finally {
      server.clock.advance(-seconds - 1);
    }
  });

  it('are dead for an account that is disabled or gone', async () => {
    const users = [await server.createUser(), await server.createUser()];
    const tokens = [];
    for (const user of users) tokens.push(await account.emailChangeTokens(user, newAddress()));
    await server.database.query('UPDATE latchkey.users SET disabled_at = now() WHERE id = $1', [
      users[0]!.id,
    ]);
    await server.database.query('DELETE FROM latchkey.users WHERE id = $1', [users[1]!.id]);
    for (const { confirm, cancel } of tokens) {
      await account.confirmEmail(confirm).expect(400);
      await account.cancelEmail(cancel).expect(400);
    }
  });

  it('rest nowhere: nothing in a table or in the queue confirms or stops', async () => {
    const [user, email] = [await server.createUser(), newAddress()];
    const tokens = await account.emailChangeTokens(user, email);
    await server.idle();
    const rows = await server.database.query<{ row: string }[]>(
      `SELECT t::text AS row FROM latchkey.email_changes t WHERE user_id = $1
       UNION ALL SELECT t::text FROM latchkey.audit_events t WHERE user_id = $1
       UNION ALL SELECT data::text FROM latchkey.jobs WHERE data::text LIKE '%' || $2 || '%'
         OR data::text LIKE '%' || $3 || '%'`,
      [user.id, user.email, email],
    );
    expect(rows.length).toBeGreaterThanOrEqual(4);
    const dump = rows.map(({ row }) => row).join('\n');
    const strings = new Set(dump.split(/[\s"',{}():]+/).filter((word) => word.length >= 16));
    for (const secret of [PASSWORD, ...Object.values(tokens)]) {
      expect(dump).not.toContain(secret);
      expect(strings).not.toContain(secret.split('.').at(-1));
    }
    for (const string of strings) {
      await account.confirmEmail(string).expect(400);
      await account.cancelEmail(string).expect(400);
    }
    await account.confirmEmail(tokens.confirm).expect(204);
  });
});

describe('who confirms a change of address', () => {
  let server: TestApp;
  let account: Account;

  beforeAll(async () => {
    server = await TestApp.start();
    account = new Account(server);
  });
  afterAll(() => server.stop());

  const confirmIn = (session: string, token: string) =>
    server.http.post('/api/email-change/confirm').set('Authorization', `Bearer ${session}`).send({ token });

  it('is signed in to the account, or knows its password; the link alone changes nothing', async () => {
    const [user, other, email] = [await server.createUser(), await server.createUser(), newAddress()];
    const { confirm } = await account.emailChangeTokens(user, email);
    const alone = await server.http.post('/api/email-change/confirm').send({ token: confirm }).expect(401);
    expect(alone.body).toMatchObject({ code: 'PASSWORD_REQUIRED', errors: [{ field: 'password' }] });
    const foreign = await confirmIn(await server.accessTokenFor(other), confirm).expect(401);
    expect(foreign.body).toMatchObject({ code: 'PASSWORD_REQUIRED' });
    const ended = await server.accessTokenFor(user);
    await server.http.post('/api/auth/logout').set('Authorization', `Bearer ${ended}`).expect(204);
    await confirmIn(ended, confirm).expect(401);
    expect(await emailOf(server, user.id)).toBe(user.email);
    await confirmIn(await server.accessTokenFor(user), confirm).expect(204);
    expect(await emailOf(server, user.id)).toBe(email);
  });

  it('may mistype the password: 403, counted as a failed sign-in, and the link stays good', async () => {
    const [user, email] = [await server.createUser(), newAddress()];
    const { confirm } = await account.emailChangeTokens(user, email);
    const wrong = await account.confirmEmail(confirm, 'wrong').expect(403);
    expect(wrong.body).toMatchObject({ code: 'WRONG_PASSWORD', errors: [{ field: 'password' }] });
    expect(await emailOf(server, user.id)).toBe(user.email);
    await account.confirmEmail(confirm, PASSWORD).expect(204);
    expect(await emailOf(server, user.id)).toBe(email);
  });

  it('cannot guess the password by the link without bound', async () => {
    const user = await server.createUser();
    const { confirm } = await account.emailChangeTokens(user, newAddress());
    const answers = [];
    for (let n = 0; n < 30; n++) answers.push((await account.confirmEmail(confirm, `guess ${n}`)).status);
    expect(new Set(answers)).toEqual(new Set([403]));
    // Blocked by now: the right one looks as wrong as any.
    await account.confirmEmail(confirm, PASSWORD).expect(403);
    expect(await emailOf(server, user.id)).toBe(user.email);
    await server.forgetCounters();
    await account.confirmEmail(confirm, PASSWORD).expect(204);
  });

  it('is answered as done where it is, and not where the account has moved on since', async () => {
    const [user, first, second] = [await server.createUser(), newAddress(), newAddress()];
    const { confirm } = await account.emailChangeTokens(user, first);
    await account.confirmEmail(confirm).expect(204);
    await server.http.post('/api/email-change/confirm').send({ token: confirm }).expect(204);
    expect(await versionOf(server, user.id)).toBe(user.credentialsVersion + 1);
    await server.idle();
    const later = await account.emailChangeTokens({ ...user, email: first }, second);
    await account.confirmEmail(later.confirm).expect(204);
    expect((await account.confirmEmail(confirm).expect(410)).body).toMatchObject({ code: 'LINK_USED' });
    expect(await emailOf(server, user.id)).toBe(second);
  });
});

describe('who was warned of a change of address', () => {
  let server: TestApp;
  let account: Account;

  beforeAll(async () => {
    server = await TestApp.start();
    account = new Account(server);
  });
  afterAll(() => server.stop());

  it('stops whatever is pending, by the link of a change that was replaced as well', async () => {
    const user = await server.createUser();
    const first = await account.emailChangeTokens(user, newAddress());
    const second = await account.emailChangeTokens(user, newAddress());
    const [thief, reset] = [await server.accessTokenFor(user), await server.tokenFor(user)];
    await account.cancelEmail(first.cancel).expect(204);
    await server.me(thief).expect(401);
    await server.confirm(reset, NEW_PASSWORD).expect(410);
    await account.confirmEmail(second.confirm).expect(410);
    expect(await emailOf(server, user.id)).toBe(user.email);
    for (const { cancel } of [first, second, second]) await account.cancelEmail(cancel).expect(204);
  });

  it('is not sent away by a link whose change was stopped before: it ends access once', async () => {
    const user = await server.createUser();
    const changes = [
      await account.emailChangeTokens(user, newAddress()),
      await account.emailChangeTokens(user, newAddress()),
    ];
    await account.cancelEmail(changes[1]!.cancel).expect(204);
    const thief = await server.accessTokenFor(user);
    await account.cancelEmail(changes[0]!.cancel).expect(204);
    await server.me(thief).expect(401);
    // Else whoever has read one of these mails could keep the owner out for as long as it is good.
    const owner = await server.accessTokenFor(user);
    for (const { cancel } of changes) await account.cancelEmail(cancel).expect(204);
    await server.me(owner).expect(200);
  });

  it('wins with the same link again, where somebody has requested another change since', async () => {
    const user = await server.createUser();
    const { cancel } = await account.emailChangeTokens(user, newAddress());
    await account.cancelEmail(cancel).expect(204);
    const again = await account.emailChangeTokens(user, newAddress());
    const thief = await server.accessTokenFor(user);
    await account.cancelEmail(cancel).expect(204);
    await server.me(thief).expect(401);
    await account.confirmEmail(again.confirm).expect(410);
    expect(await emailOf(server, user.id)).toBe(user.email);
  });

  it('is told where it is too late, and nothing happens to an account that has moved on', async () => {
    const [user, email] = [await server.createUser(), newAddress()];
    const replaced = await account.emailChangeTokens(user, newAddress());
    const { confirm, cancel } = await account.emailChangeTokens(user, email);
    await account.confirmEmail(confirm).expect(204);
    await server.idle();
    const session = await server.accessTokenFor({ ...user, email });
    const next = await account.emailChangeTokens({ ...user, email }, newAddress());
    for (const token of [cancel, replaced.cancel])
      expect((await account.cancelEmail(token).expect(410)).body).toMatchObject({ code: 'ADDRESS_MOVED' });
    await server.me(session).expect(200);
    await account.confirmEmail(next.confirm).expect(204);
  });
});

describe('changes of address cannot be made a mail bomb', () => {
  let server: TestApp;
  let account: Account;

  beforeAll(async () => {
    server = await TestApp.start();
    account = new Account(server);
  });
  afterAll(() => server.stop());

  it('lets one account ask five times in an hour, then once in ten minutes; beyond, the answer is the same', async () => {
    const user = await server.createUser();
    const session = await server.accessTokenFor(user);
    const emails = Array.from({ length: 7 }, newAddress);
    const bodies = [];
    for (const email of emails) {
      bodies.push((await account.changeEmail(session, email).expect(202)).body);
      // A mail whose change is replaced before it leaves is not sent: what counts is the latest.
      await server.idle();
    }
    expect(bodies).toEqual(Array(7).fill(bodies[0]));
    expect(emails.map((email) => server.mails.countTo(email)).slice(5)).toEqual([0, 0]);
    expect(server.mails.countTo(user.email)).toBe(5);
    // The fifth is still pending: what is passed over replaces nothing.
    const token = tokenOf('confirm_email', (await server.mails.next(emails[4]!)).text);
    await account.confirmEmail(token).expect(204);
    await server.idle();
    try {
      server.clock.advance(601);
      await account.emailChangeTokens({ ...user, email: emails[4]! }, newAddress());
    } finally {
      server.clock.advance(-601);
    }
  });

  it.each(['free', 'taken'])(
    'sends two mails a minute apart, then one each ten minutes, to an address that is %s; the others come later',
    async (how) => {
      const email = newAddress();
      if (how === 'taken') await server.createUser({ email });
      for (let n = 0; n < 4; n++) {
        await account.changeEmail(await server.accessTokenFor(await server.createUser()), email).expect(202);
        await server.idle();
      }
      const mails = [server.mails.countTo(email)];
      for (const seconds of [40, 20, 61, 500, 50, 601]) {
        server.clock.advance(seconds);
        await server.retryNow();
        await server.idle();
        mails.push(server.mails.countTo(email));
      }
      expect(mails).toEqual([1, 1, 2, 2, 2, 3, 4]);
    },
  );

  it('sends one of many that ask at the same moment', async () => {
    const email = newAddress();
    const sessions = [];
    for (let n = 0; n < 12; n++) sessions.push(await server.accessTokenFor(await server.createUser()));
    await Promise.all(sessions.map((session) => account.changeEmail(session, email).expect(202)));
    await server.idle();
    expect(server.mails.countTo(email)).toBe(1);
    await server.database.query(`DELETE FROM latchkey.jobs WHERE queue = 'email-change'`);
  });
});

describe('a change of address happens whole or not at all', () => {
  it('is not begun, and not done, when the mails about it cannot be queued', async () => {
    const server = await TestApp.start();
    const account = new Account(server);
    const [user, email] = [await server.createUser(), newAddress()];
    const { confirm } = await account.emailChangeTokens(user, email);
    const session = await server.accessTokenFor(user);
    const enqueue = jest.spyOn(server.app.get(MailService), 'enqueue');
    try {
      enqueue.mockRejectedValue(new Error('no queue'));
      await account.changeEmail(session, newAddress()).expect(500);
      await account.confirmEmail(confirm).expect(500);
      expect(await changesOf(server, user.id)).toMatchObject([{ confirmed_at: null, cancelled_at: null }]);
      expect(await emailOf(server, user.id)).toBe(user.email);
      await server.me(session).expect(200);
      enqueue.mockRestore();
      await account.confirmEmail(confirm).expect(204);
    } finally {
      jest.restoreAllMocks();
      await server.stop();
    }
  });

  it('is told to operators, act for act, without a whole address', async () => {
    const server = await TestApp.start();
    const account = new Account(server);
    const told: SecurityEvent[] = [];
    server.app.get(SecurityEvents).onEvent((event) => {
      if (event.act.startsWith('email_change')) told.push(event as SecurityEvent);
      return Promise.resolve();
    });
    try {
      const [user, email] = [await server.createUser(), newAddress()];
      const first = await account.emailChangeTokens(user, email);
      await account.cancelEmail(first.cancel).expect(204);
      await account.confirmEmail(first.confirm).expect(410);
      server.clock.advance(61);
      const second = await account.emailChangeTokens(user, email);
      await account.confirmEmail(second.confirm).expect(204);
      expect(told.map(({ act, outcome }) => `${act} ${outcome}`)).toEqual([
        'email_change_requested success',
        'email_change_mailed success',
        'email_change_cancelled success',
        'email_change_confirmed failure',
        'email_change_requested success',
        'email_change_mailed success',
        'email_change_confirmed success',
      ]);
      expect(JSON.stringify(told)).not.toContain(email);
      for (const { userId, details } of told) {
        expect(userId).toBe(user.id);
        expect(details).toHaveProperty('changeId');
      }
    } finally {
      await server.stop();
    }
  });

  it('is forgotten after thirty days', async () => {
    const server = await TestApp.start();
    const account = new Account(server);
    try {
      const [old, young] = [await server.createUser(), await server.createUser()];
      await account.emailChangeTokens(old, newAddress());
      server.clock.advance(30 * 86_400 - 60);
      await server.app.get(Housekeeping).run();
      expect(await changesOf(server, old.id)).toHaveLength(1);
      server.clock.advance(120);
      await account.emailChangeTokens(young, newAddress());
      await server.app.get(Housekeeping).run();
      expect(await changesOf(server, old.id)).toEqual([]);
      expect(await changesOf(server, young.id)).toHaveLength(1);
    } finally {
      await server.stop();
    }
  });
});

async function versionOf(server: TestApp, id: string): Promise<number | undefined> {
  return (await server.app.get(UsersService).findById(id))?.credentialsVersion;
}

function changesOf(server: TestApp, userId: string): Promise<object[]> {
  return server.database.query('SELECT * FROM latchkey.email_changes WHERE user_id = $1', [userId]);
}

async function emailOf(server: TestApp, id: string): Promise<string | undefined> {
  const rows = await server.database.query<{ email: string }[]>(
    'SELECT email FROM latchkey.users WHERE id = $1',
    [id],
  );
  return rows[0]?.email;
}
