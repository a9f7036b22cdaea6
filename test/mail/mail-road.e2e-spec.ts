import { Logger } from '@nestjs/common';
import { mailQueue, MailRoad, MailService, passwordChangedMail } from '../../src/mail';
import { passwordResetQueue } from '../../src/password-reset';
import { JOB_STATES, QueuedJobs } from '../../src/jobs';
import { AuditTrail } from '../../src/audit';
import { AuditRecorder } from '../../src/audit/audit-recorder';
import { TypeOrmTransactions } from '../../src/database';
import type { Settings } from '../../src/server/settings';
import type { User } from '../../src/users';
import { selfSigned, trust } from '../support/certificates';
import { until } from '../support/mail-reader';
import { runProgram, temporaryFolder } from '../support/program';
import { SmtpWire } from '../support/smtp-wire';
import { TestApp } from '../support/test-app';

const certificate = selfSigned();
const OFFERS_TLS = '250-wire\r\n250-STARTTLS\r\n250 AUTH PLAIN';
const LOGIN = { mailUsername: 'susan', mailPassword: 'a password of the mail server' };

let wire: SmtpWire;
let server: TestApp;

async function start(settings: Partial<Settings> = {}) {
  const port = await wire.start();
  server = await TestApp.start({ settings: { mailServer: '127.0.0.1', mailPort: port, ...settings } });
  await server.database.query(`DELETE FROM latchkey.jobs WHERE queue <> 'contract'`);
}

beforeEach(() => {
  wire = new SmtpWire();
});
afterEach(async () => {
  jest.restoreAllMocks();
  await server.stop();
  await wire.stop();
});

const jobs = async (...queues: string[]) => {
  const all = await new QueuedJobs(server.app.get(TypeOrmTransactions)).list(JOB_STATES, 50);
  return all.filter(({ queue }) => queues.includes(queue));
};

/** The outcome of each try of a mail, as it is on record. */
async function outcomes(): Promise<string[]> {
  await server.app.get(AuditRecorder).flush();
  const events = await server.app.get(AuditTrail).find({ limit: 1000 });
  return events
    .filter(({ act }) => /^mail_(bounced|deferred|handed_over)$/.test(act))
    .map(({ act, details }) => (details['error'] === undefined ? act : `${act} ${details['error']}`));
}

async function askAndWait(user?: User): Promise<User> {
  const owner = user ?? (await server.createUser());
  await server.ask(owner.email).expect(202);
  await server.idle();
  return owner;
}

/** The lines of the log of two levels, from now on, without those of single jobs. */
function watchLog() {
  const spies = (['error', 'warn', 'log'] as const).map(
    (level) => [level, jest.spyOn(Logger.prototype, level)] as const,
  );
  return (about: RegExp) =>
    spies
      .flatMap(([level, { mock }]) => mock.calls.map(([line]) => `${level}: ${String(line)}`))
      .filter((line) => about.test(line));
}

const REFUSED = /mail server refuses us|mail server cannot be used|Mails leave again/;
const recipientOf = (line: string) => /RCPT TO:<([^>]*)>/.exec(line)?.[1];

describe('a mail server that refuses us', () => {
  beforeEach(async () => {
    // What is on record of other tests.
    await start();
    await server.database.query('DELETE FROM latchkey.audit_events');
  });

  it.each<[string, Partial<SmtpWire>, string]>([
    ['at its greeting', { greeting: '554 no service for you' }, '554 at CONN'],
    ['for the sender', { answers: { MAIL: '553 sender rejected' } }, '553 at MAIL'],
    ['for the quota of a day, at MAIL', { answers: { MAIL: '550 5.4.5 daily limit' } }, '550 5.4.5 at MAIL'],
    ['for the quota of a day, at RCPT', { answers: { RCPT: '550 5.4.5 daily limit' } }, '550 5.4.5 at RCPT'],
    ['for the quota of a day, after DATA', { answers: { TEXT: '550 5.4.5 limit' } }, '550 5.4.5 at DATA'],
    ['for its policy', { answers: { TEXT: '550 5.7.26 no DMARC' } }, '550 5.7.26 at DATA'],
    ['without a status', { answers: { TEXT: '554 Message rejected: not verified' } }, '554 at DATA'],
    ['as one who may not relay', { answers: { RCPT: '550 relay not permitted' } }, '550 at RCPT'],
    ['before we have logged in', { answers: { MAIL: '530 5.7.0 first log in' } }, '530 5.7.0 at MAIL'],
  ])('%s gets link and notice again, and takes both when it is mended', async (_, refusal, answer) => {
    const well = { greeting: wire.greeting, answers: {} };
    Object.assign(wire, refusal);
    const user = await askAndWait();
    const change = { changedAt: new Date(), source: { ip: '203.0.113.7' }, requestUrl: 'https://x.example' };
    await server.app.get(MailService).enqueue(passwordChangedMail(user, change));
    await server.idle();
    expect(new Set(await outcomes())).toEqual(new Set([`mail_deferred ${answer}`]));
    const waiting = await jobs(passwordResetQueue.name, mailQueue.name);
    expect(waiting.map(({ state, lastError }) => [state, lastError])).toEqual([
      ['waiting', answer],
      ['waiting', answer],
    ]);

    Object.assign(wire, well);
    await server.retryNow();
    await until(() => wire.mails.length === 2, 'both mails');
    await server.idle();
    expect(await jobs(passwordResetQueue.name, mailQueue.name)).toEqual([]);
  });

  it.each([
    ['RCPT', '550 5.1.1 no such mailbox', '550 5.1.1'],
    ['RCPT', '550 no such mailbox', '550'],
    ['TEXT', '552 5.2.2 mailbox full', '552 5.2.2'],
  ])('is not one that refuses a recipient, who is tried once: %s %s', async (step, reply, answer) => {
    const log = watchLog();
    wire.answers = { [step]: reply };
    await askAndWait();
    await server.retryNow();
    await server.idle();
    expect(await outcomes()).toEqual([`mail_bounced ${answer}`]);
    expect(await jobs(passwordResetQueue.name)).toEqual([]);
    expect(server.app.get(MailRoad).state).toEqual({ status: 'up' });
    expect(log(REFUSED)).toEqual([]);
  });

  it('raises one alert an outage, which names the answer and nobody, and says when it is over', async () => {
    const log = watchLog();
    wire.answers = { RCPT: '550 5.4.5 susan@example.com: limit of the day' };
    const user = await askAndWait();
    for (let n = 0; n < 3; n++) await askAndWait();
    await server.retryNow();
    await server.idle();
    const since = server.app.get(MailRoad).state;
    expect(since).toMatchObject({ status: 'down', answer: '550 5.4.5 at RCPT' });
    wire.answers = {};
    await server.retryNow();
    await server.idle();
    const lines = log(REFUSED);
    expect(lines).toEqual([
      'error: The mail server refuses us: 550 5.4.5 at RCPT. No mail is lost: they wait, and are tried again.',
      expect.stringMatching(/^log: Mails leave again; none did since 2026-\S+Z\.$/),
    ]);
    expect(log(/limit of the day|susan@/)).toEqual([]);
    expect(log(new RegExp(user.email))).toEqual([]);
  });

  it('is seen by those who run the server: in the readiness detail and in the list of mails', async () => {
    const plain = await server.http.get('/health/ready').expect(200);
    expect(plain.body.details).not.toHaveProperty('mail');
    const detail = async () => (await server.http.get('/health/ready?verbose').expect(200)).body.details.mail;
    expect(await detail()).toEqual({ status: 'up' });

    wire.answers = { MAIL: '550 5.4.5 susan@example.com: limit of the day' };
    const user = await askAndWait();
    expect(await detail()).toEqual({
      status: 'down',
      since: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      answer: '550 5.4.5 at MAIL',
    });
    // An outage of the mail server takes nobody out of rotation.
    expect((await server.http.get('/health/ready').expect(200)).body).toEqual(plain.body);

    wire.answers = { RCPT: '450 4.2.0 greylisted' };
    // However long the program takes to start, neither has its next try meanwhile.
    const hold = `UPDATE latchkey.jobs SET due_at = now() + interval '1 hour' WHERE state = 'waiting' AND tries > 0`;
    await server.database.query(hold);
    const other = await askAndWait();
    await server.database.query(hold);
    const { stdout } = await runProgram('cli', {
      cwd: temporaryFolder(),
      env: { DATABASE_URL: process.env['TEST_DATABASE_URL']! },
      args: ['mail', 'list'],
    });
    expect(stdout.split('\n')).toEqual([
      expect.stringMatching(/ {2}tries=1 {2}last=550 5\.4\.5 at MAIL {2}about=us {2}next=/),
      expect.stringMatching(/ {2}tries=1 {2}last=450 4\.2\.0 {2}about=recipient {2}next=/),
      '',
    ]);
    for (const { email } of [user, other]) expect(stdout).not.toContain(email);
  });
});

describe('a mail server that wants a password', () => {
  beforeEach(() => {
    Object.assign(wire, { ehlo: OFFERS_TLS, startTls: '220 go on', certificate });
  });

  it('and refuses ours gets every mail again', async () => {
    trust(certificate.cert);
    wire.answers = { AUTH: '535 5.7.8 susan has another password' };
    await start(LOGIN);
    await server.database.query('DELETE FROM latchkey.audit_events');
    const log = watchLog();
    await askAndWait();
    expect(await outcomes()).toEqual(['mail_deferred 535 5.7.8 at AUTH']);
    expect(log(REFUSED)).toHaveLength(1);
    expect(log(/susan has|a password of/)).toEqual([]);
    wire.answers = { AUTH: '235 welcome' };
    await server.retryNow();
    await until(() => wire.mails.length === 1, 'the mail');
    await server.idle();
  });
});

describe('TLS', () => {
  const OFFER = { ehlo: '250-wire\r\n250 STARTTLS', startTls: '220 go on', certificate };

  it('is used where it is offered, whoever has signed the certificate', async () => {
    Object.assign(wire, OFFER);
    await start();
    const { email } = await askAndWait();
    expect(wire.mails).toHaveLength(1);
    expect(wire.commands.map(recipientOf)).toContain(email);
    expect(wire.inClear.every((line) => /^(EHLO|STARTTLS)/.test(line))).toBe(true);
  });

  it.each<[string, Partial<SmtpWire>]>([
    ['is not offered', {}],
    ['is offered and refused', { ehlo: OFFER.ehlo, startTls: '454 4.7.0 not now' }],
  ])('is done without where it %s', async (_, mood) => {
    Object.assign(wire, mood);
    await start();
    await askAndWait();
    expect(wire.mails).toHaveLength(1);
  });

  it('is not used where it is turned off', async () => {
    Object.assign(wire, OFFER);
    await start({ mailUseTls: false });
    await askAndWait();
    expect(wire.mails).toHaveLength(1);
    expect(wire.commands).not.toContain('STARTTLS');
  });

  it('where it is demanded, is with a certificate that holds, or no mail is', async () => {
    Object.assign(wire, OFFER);
    await start({ mailUseTls: true });
    await askAndWait();
    expect(wire.mails).toEqual([]);
    trust(certificate.cert);
    await server.retryNow();
    await server.idle();
    expect(wire.mails).toHaveLength(1);
    expect(wire.inClear.every((line) => /^(EHLO|STARTTLS)/.test(line))).toBe(true);
  });

  it('is there from the first byte on port 465, with nothing set', async () => {
    Object.assign(wire, { certificate, tlsFromFirstByte: true });
    trust(certificate.cert, { 465: await wire.start() });
    server = await TestApp.start({ settings: { mailServer: '127.0.0.1', mailPort: 465 } });
    await askAndWait();
    expect(wire.mails).toHaveLength(1);
    expect(wire.inClear).toEqual([]);
  });
});

describe('the name by which the server greets', () => {
  it.each<[string, Partial<Settings>, string, string]>([
    ['the one that is set', { mailEhloName: 'id.example.com' }, 'no-reply@blog.example', 'id.example.com'],
    ['else the domain of the sender', {}, 'no-reply@blog.example', 'blog.example'],
    ['as A-labels', {}, 'no-reply@b\u00fccher.example', 'xn--bcher-kva.example'],
  ])('is %s', async (_, mail, sender, name) => {
    await start({ ...mail, admins: [sender] });
    await askAndWait();
    expect(wire.commands[0]).toBe(`EHLO ${name}`);
    expect(wire.mails).toHaveLength(1);
  });
});

it('headers of a mail are ASCII where the sender has a domain of other letters', async () => {
  await start({ admins: ['no-reply@b\u00fccher.example'] });
  await askAndWait();
  const [head] = wire.mails[0]!.split('\r\n\r\n');
  expect(head).toMatch(/^[\x20-\x7e\r\n]+$/);
  expect(head).toMatch(/^Message-ID: <[\w-]+@xn--bcher-kva\.example>$/m);
  expect(head).toMatch(/^From: no-reply@xn--bcher-kva\.example$/m);
  expect(wire.commands).toContain('MAIL FROM:<no-reply@xn--bcher-kva.example>');
});
