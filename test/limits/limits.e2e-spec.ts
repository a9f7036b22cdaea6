import { randomUUID } from 'node:crypto';
import { AuditEvent, AuditTrail } from '../../src/audit';
import { AuditRecorder } from '../../src/audit/audit-recorder';
import { DeliveryFeedback, Mailer, MailOptions, MailRefusedError } from '../../src/mail';
import type { User } from '../../src/users';
import { Registrations } from '../support/registrations';
import { TestApp, tokenIn } from '../support/test-app';

describe('how many mails one person gets', () => {
  const servers: TestApp[] = [];
  const start = async (settings: { resetCooldown?: number; resetMailsPerHour?: number }) => {
    const server = await TestApp.start({ settings });
    servers.push(server);
    return server;
  };
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.stop();
  });

  it('never sends more than the mails of the hour while a link is alive, however many ask at the same time, and answers all alike', async () => {
    const server = await start({ resetMailsPerHour: 5 });
    const user = await server.createUser();
    const answers = await Promise.all(Array.from({ length: 50 }, () => server.ask(user.email)));
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    await server.idle();
    expect(server.mails.countTo(user.email)).toBe(5);
  });

  it('keeps the first link alive while strangers flood its owner with asks', async () => {
    const server = await start({ resetMailsPerHour: 5 });
    const user = await server.createUser();
    const first = await server.tokenFor(user);
    await Promise.all(Array.from({ length: 50 }, () => server.ask(user.email)));
    await server.idle();
    await server.look(first).expect(200);
    await server.confirm(first, 'staple battery horse correct').expect(204);
  });

  /** Asks after so many seconds; how many mails there are then. */
  const asking =
    (server: TestApp, { email }: User) =>
    async (seconds: number) => {
      server.clock.advance(seconds);
      await server.ask(email).expect(202);
      await server.idle();
      return server.mails.countTo(email);
    };

  it('sends two mails a cool-down apart, then one as soon as no link is alive any more, for hours', async () => {
    const server = await start({ resetCooldown: 60, resetMailsPerHour: 2 });
    const mailsAfter = asking(server, await server.createUser());
    expect([await mailsAfter(0), await mailsAfter(61), await mailsAfter(61), await mailsAfter(590)]).toEqual([
      1, 2, 2, 2,
    ]);
    for (let n = 3; n < 10; n++) {
      expect(await mailsAfter(n === 3 ? 20 : 361)).toBe(n);
      expect(await mailsAfter(300)).toBe(n);
    }
  });

  it('counts the mails of a whole hour, and no longer', async () => {
    const server = await start({ resetCooldown: 60, resetMailsPerHour: 2 });
    const mailsAfter = asking(server, await server.createUser());
    // The link of the second is alive to the end; the first is 3,595 seconds old, and then 3,605.
    expect([await mailsAfter(0), await mailsAfter(3500), await mailsAfter(95), await mailsAfter(10)]).toEqual(
      [1, 2, 2, 3],
    );
  });

  it.each<[string, (server: TestApp, user: User) => Promise<unknown>]>([
    [
      'a completed reset',
      async (server, user) => {
        const token = tokenIn(server.mails.to(user.email).at(-1)!.text);
        await server.confirm(token, 'staple battery horse correct').expect(204);
      },
    ],
    ['a sign-in', (server, user) => server.accessTokenFor(user)],
    [
      'a bounce',
      async (server, user) => {
        const rows = 'SELECT id FROM latchkey.password_resets WHERE user_id = $1';
        for (const { id: mailId } of await server.database.query<{ id: string }[]>(rows, [user.id]))
          await server.app.get(DeliveryFeedback).report({ mailId, outcome: 'bounced' });
      },
    ],
  ])('counts anew after %s', async (_, act) => {
    const server = await start({ resetCooldown: 60, resetMailsPerHour: 2 });
    const user = await server.createUser();
    const mailsAfter = asking(server, user);
    expect([await mailsAfter(0), await mailsAfter(61), await mailsAfter(61)]).toEqual([1, 2, 2]);
    await act(server, user);
    await server.idle();
    const before = server.mails.countTo(user.email);
    expect(await mailsAfter(6)).toBe(before + 1);
  });

  it('counts no wrong sign-in as one', async () => {
    const server = await start({ resetCooldown: 60, resetMailsPerHour: 2 });
    const user = await server.createUser();
    const mailsAfter = asking(server, user);
    expect([await mailsAfter(0), await mailsAfter(61)]).toEqual([1, 2]);
    await server.login(user.email, 'a wrong password').expect(401);
    expect(await mailsAfter(61)).toBe(2);
  });

  it('counts no mail that was refused for good', async () => {
    const server = await start({ resetCooldown: 60, resetMailsPerHour: 1 });
    const user = await server.createUser();
    const mailsAfter = asking(server, user);
    const send = jest.spyOn(server.app.get(Mailer), 'send');
    send.mockRejectedValueOnce(new MailRefusedError('550 5.2.2', 550));
    expect([await mailsAfter(0), await mailsAfter(61), await mailsAfter(61)]).toEqual([0, 1, 1]);
  });

  it('sends one mail within the cool-down, and another after it', async () => {
    const server = await start({ resetCooldown: 60 });
    const user = await server.createUser();
    for (let seconds = 0; seconds < 60; seconds += 10) {
      await server.ask(user.email).expect(202);
      await server.idle();
      server.clock.advance(9.9);
    }
    expect(server.mails.countTo(user.email)).toBe(1);
    server.clock.advance(1);
    await server.ask(user.email).expect(202);
    await server.idle();
    expect(server.mails.countTo(user.email)).toBe(2);
    const [first, second] = server.mails.to(user.email).map((mail) => tokenIn(mail.text));
    await server.look(first!).expect(200);
    await server.look(second!).expect(200);
  });

  it('keeps a cool-down that is longer than the life of a link while that is alive, and no longer', async () => {
    const server = await start({ resetCooldown: 3600, resetMailsPerHour: 0 });
    const mailsAfter = asking(server, await server.createUser());
    expect([await mailsAfter(0), await mailsAfter(590), await mailsAfter(310)]).toEqual([1, 1, 2]);
  });

  it('keeps a cool-down of registrations that is longer than an hour', async () => {
    const server = await start({});
    server.app.get(MailOptions).mailboxCooldownSeconds = 7200;
    const [registrations, email] = [new Registrations(server), Registrations.someAddress()];
    const mailsAfter = async (seconds: number) => {
      server.clock.advance(seconds);
      await registrations.register(email).expect(202);
      await server.idle();
      return server.mails.countTo(email);
    };
    expect([await mailsAfter(0), await mailsAfter(3601), await mailsAfter(3600)]).toEqual([1, 1, 2]);
  });

  it('does not fill the queue with a burst of asks, known address or not', async () => {
    const server = await start({ resetCooldown: 3600 });
    const jobs = async () => {
      const count = `SELECT count(*)::int AS n FROM latchkey.job_keys`;
      return (await server.database.query<[{ n: number }]>(count))[0].n;
    };
    const user = await server.createUser();
    for (const email of [user.email, `nobody.${user.email}`]) {
      const before = await jobs();
      for (let n = 0; n < 10; n++) await server.ask(email).expect(202);
      // Two where a stretch of the clock happens to end in between.
      expect((await jobs()) - before).toBeLessThanOrEqual(2);
    }
  });

  it('records an end of each ask of a burst, answers all alike, and never asks whether there is an account', async () => {
    const server = await start({ resetCooldown: 3600 });
    const events = async (act: AuditEvent['act'], domain: string) => {
      await server.app.get(AuditRecorder).flush();
      const found = await server.app.get(AuditTrail).find({ act, limit: 1000 });
      return found.filter(({ details }) => String(details['email']).endsWith(domain));
    };
    const domain = `@${randomUUID()}.example.com`;
    const { email } = await server.createUser({ email: `susan${domain}` });
    const answers = [];
    for (const address of [email, `nobody${domain}`]) {
      for (let n = 0; n < 10; n++) answers.push(await server.ask(address).expect(202));
      await server.idle();
    }
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);

    const asks = await events('password_reset_requested', domain);
    expect(asks).toHaveLength(20);
    const swallowed = await events('password_reset_mailed', domain);
    // All but the first of each address; two where a stretch of the clock happens to end in between.
    expect(swallowed.length).toBeGreaterThanOrEqual(16);
    for (const { outcome, details, userId, source } of swallowed)
      expect([outcome, details['reason'], userId, source]).toEqual([
        'failure',
        'cooldown',
        undefined,
        '127.0.0.1',
      ]);
    for (const { requestId } of asks) {
      const ends = await server.app
        .get(AuditTrail)
        .find({ act: 'password_reset_mailed', requestId, limit: 10 });
      expect(ends).toHaveLength(1);
    }
  });
});
