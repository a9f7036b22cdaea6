import { randomUUID } from 'node:crypto';
import { AuditEvent, AuditTrail } from '../src/audit';
import { AuditRecorder } from '../src/audit/audit-recorder';
import { RegistrationOptions } from '../src/registration';
import { Registrations } from './support/registrations';
import { TestApp, tokenIn } from './support/test-app';

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

  it('never sends more than the hourly cap, however many ask at the same time, and answers all alike', async () => {
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

  it('sends again after the hour', async () => {
    const server = await start({ resetMailsPerHour: 1 });
    const user = await server.createUser();
    await server.ask(user.email);
    await server.ask(user.email);
    await server.idle();
    expect(server.mails.countTo(user.email)).toBe(1);
    server.clock.advance(3601);
    await server.ask(user.email);
    expect(await server.mails.next(user.email, 1)).toBeDefined();
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

  it('keeps a cool-down that is longer than an hour, and the hourly cap beside it', async () => {
    const server = await start({ resetCooldown: 7200, resetMailsPerHour: 1 });
    const user = await server.createUser();
    const mailsAfter = async (seconds: number) => {
      server.clock.advance(seconds);
      await server.ask(user.email).expect(202);
      await server.idle();
      return server.mails.countTo(user.email);
    };
    expect([await mailsAfter(0), await mailsAfter(3601), await mailsAfter(3600)]).toEqual([1, 1, 2]);
  });

  it('keeps it for registrations too', async () => {
    const server = await start({});
    server.app.get(RegistrationOptions).cooldownSeconds = 7200;
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
      const count = `SELECT count(*)::int AS n FROM latchkey_jobs.job WHERE name = 'password-reset'`;
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
