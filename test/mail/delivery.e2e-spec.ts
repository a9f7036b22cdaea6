import { Logger } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import PostalMime from 'postal-mime';
import { AuditEvent, AuditTrail } from '../../src/audit';
import { AuditRecorder } from '../../src/audit/audit-recorder';
import { SecurityEvents, Transactions } from '../../src/common';
import { TypeOrmTransactions } from '../../src/database';
import { EmailChangeStore, RegistrationStore } from '../../src';
import { Housekeeping, JOB_STATES, JobsOptions, JobState, QueuedJob, QueuedJobs } from '../../src/jobs';
import { DeliveryFeedback, mailQueue } from '../../src/mail';
import { passwordResetQueue } from '../../src/password-reset';
import { registrationQueue } from '../../src/registration';
import type { User } from '../../src/users';
import { Account, tokenOf } from '../support/account';
import { runProgram, temporaryFolder } from '../support/program';
import { Registrations, verifyTokenIn } from '../support/registrations';
import { SmtpSink, Verdict } from '../support/smtp-sink';
import { readJwt } from '../support/jwt';
import { PASSWORD, TestApp, tokenIn } from '../support/test-app';
import { until } from '../support/mail-reader';

const NEW_PASSWORD = 'staple battery horse correct';

const mailsAtATime = 5;

let sink: SmtpSink;
let server: TestApp;

beforeEach(async () => {
  sink = new SmtpSink();
  const mail = { mailServer: '127.0.0.1', mailPort: await sink.start(), mailUseTls: false };
  server = await TestApp.start({
    settings: { ...mail, mailConcurrency: mailsAtATime },
    override: (builder) =>
      builder
        .overrideProvider(JobsOptions)
        .useValue({ work: true, pollingSeconds: 0.05, stopGraceSeconds: 20 }),
  });
  await server.database.query(`DELETE FROM latchkey.jobs WHERE queue <> 'contract'`);
});
afterEach(async () => {
  await server.stop();
  await sink.stop();
});

const queued = async (states: readonly JobState[], ...queues: string[]) => {
  const all = await new QueuedJobs(server.app.get(TypeOrmTransactions)).list(states, 50);
  return all.filter(({ queue }) => queues.includes(queue));
};

const onlyJob = async (): Promise<QueuedJob> => {
  const jobs = await queued(JOB_STATES, passwordResetQueue.name, mailQueue.name);
  expect(jobs).toHaveLength(1);
  return jobs[0]!;
};

async function eventsOf(userId: string): Promise<AuditEvent[]> {
  await server.app.get(AuditRecorder).flush();
  return (await server.app.get(AuditTrail).find({ userId, limit: 100 })).reverse();
}

async function actsOf({ id }: User): Promise<string[]> {
  const events = await eventsOf(id);
  return events.map(({ act, details }) =>
    details['error'] === undefined ? act : `${act} ${details['error']}`,
  );
}

const untilTries = (count: number) =>
  until(
    async () => (await onlyJob()).tries === count && (await onlyJob()).state !== 'active',
    `${count} tries`,
  );

/** As if the mail had been tried for so long that its queue gives it up at the next failure. */
const age = () =>
  server.database.query(
    `UPDATE latchkey.jobs SET added_at = now() - interval '4 days' WHERE queue <> 'contract'`,
  );

const cli = (...args: string[]) =>
  runProgram('cli', {
    cwd: temporaryFolder(),
    env: { DATABASE_URL: process.env['TEST_DATABASE_URL']! },
    args,
  });

describe('a mail that the mail server does not take now', () => {
  it('is the same mail at every try, with the same id and a link to the same reset, and each try is recorded', async () => {
    sink.verdict = (earlier) => (earlier < 2 ? { code: 451, text: 'greylisted' } : undefined);
    const user = await server.createUser();
    await server.ask(user.email).expect(202);
    await untilTries(1);
    for (const tries of [2, 3]) {
      server.clock.advance(60);
      await until(() => server.retryNow().then(() => sink.to(user.email).length === tries), `try ${tries}`);
    }
    await server.idle();
    const copies = await Promise.all(sink.to(user.email).map(({ raw }) => PostalMime.parse(raw)));
    expect(new Set(copies.map(({ messageId }) => messageId)).size).toBe(1);
    const tokens = copies.map(({ text }) => tokenIn(text!));
    expect(new Set(copies.map(({ text }) => text!.replaceAll(/[\w-]+\.[\w-]+\.[\w-]+$/gm, ''))).size).toBe(1);
    expect(new Set(tokens.map((token) => readJwt(token).claims['jti'])).size).toBe(1);
    expect((await actsOf(user)).sort()).toEqual([
      'mail_deferred 451',
      'mail_deferred 451',
      'mail_handed_over',
      'mail_queued',
      'password_reset_mailed',
      'password_reset_requested',
    ]);
    for (const token of tokens) await server.look(token).expect(200);
    await server.confirm(tokens[0]!, NEW_PASSWORD).expect(204);
    for (const token of tokens)
      expect((await server.look(token).expect(410)).body).toMatchObject({ code: 'RESET_TOKEN_USED' });
  });

  it('lives from the try that has got through, and each copy from its own', async () => {
    sink.verdict = (earlier) => (earlier < 1 ? { code: 451, text: 'greylisted' } : undefined);
    const user = await server.createUser();
    await server.ask(user.email).expect(202);
    await untilTries(1);
    server.clock.advance(1800);
    await until(() => server.retryNow().then(() => sink.to(user.email).length === 2), 'the second try');
    await server.idle();
    const copies = await Promise.all(sink.to(user.email).map(({ raw }) => PostalMime.parse(raw)));
    const [early, late] = copies.map(({ text }) => tokenIn(text!));
    server.clock.advance(600);
    expect((await server.look(early!).expect(410)).body).toMatchObject({ code: 'RESET_TOKEN_EXPIRED' });
    await server.confirm(late!, NEW_PASSWORD).expect(204);
  });

  it('is no mail any more when its address has gone to another account: its link would open the account of before', async () => {
    sink.verdict = () => ({ code: 451, text: 'greylisted' });
    const { id, email } = await server.createUser();
    await server.ask(email).expect(202);
    await untilTries(1);
    // As a host does whose own user table it is; a change of address of ours ends every link.
    const elsewhere = `elsewhere.${email}`;
    const move = 'UPDATE latchkey.users SET email = $2, email_key = $2 WHERE id = $1';
    await server.database.query(move, [id, elsewhere]);
    const next = await server.createUser({ email });
    sink.verdict = () => undefined;
    await server.retryNow();
    await server.idle();
    expect(sink.to(email)).toHaveLength(1);
    expect((await eventsOf(next.id)).at(-1)).toMatchObject({
      act: 'password_reset_mailed',
      outcome: 'failure',
      details: { reason: 'address_moved' },
    });

    await server.ask(email).expect(202);
    await until(() => sink.to(email).length === 2, 'the mail');
    await server.idle();
    const { text } = await PostalMime.parse(sink.to(email)[1]!.raw);
    await server.confirm(tokenIn(text!), NEW_PASSWORD).expect(204);
    await server.login(email, NEW_PASSWORD).expect(200);
    await server.login(elsewhere, PASSWORD).expect(200);
  });

  it('waits ten seconds, then half a minute, then less than a minute each time', async () => {
    sink.verdict = () => ({ code: 451, text: 'try again later' });
    await server.ask((await server.createUser()).email).expect(202);
    const gaps: number[] = [];
    for (const tries of [1, 2, 3, 4]) {
      await untilTries(tries);
      const [{ gap }] = await server.database.query<[{ gap: number }]>(
        `SELECT extract(epoch FROM due_at - now())::float AS gap FROM latchkey.jobs WHERE state = 'waiting' AND tries > 0`,
      );
      gaps.push(gap);
      await server.retryNow();
    }
    // Up to three seconds less by chance, and what the test itself took.
    [10, 30, 57, 57].forEach((most, n) => {
      expect(gaps[n]).toBeLessThanOrEqual(most);
      expect(gaps[n]).toBeGreaterThan(most - 8);
    });
  });

  it('is given up in the end, stays to be looked at, and goes out with a live link when an operator says so', async () => {
    sink.verdict = (earlier) => (earlier < 2 ? { code: 451, text: 'try again later' } : undefined);
    const user = await server.createUser();
    await server.ask(user.email).expect(202);
    await untilTries(1);
    await age();
    server.clock.advance(4 * 86_400);
    await server.retryNow();
    await until(async () => (await onlyJob()).state === 'dead', 'the end of its tries');
    await until(async () => (await actsOf(user)).includes('mail_given_up'), 'the word of it');

    const { id } = await onlyJob();
    const list = await cli('mail', 'list', '--state', 'dead');
    const masked = `${user.email[0]}***@example.com`;
    expect(list.stdout).toMatch(
      new RegExp(
        `dead +password-reset +${id}  ${masked.replaceAll('*', '\\*')}  tries=2  last=451  about=recipient\n$`,
      ),
    );
    expect((await cli('mail', 'show', id)).stdout).toContain('last error  451\n');
    expect(await cli('mail', 'retry', id)).toMatchObject({ status: 0, stdout: 'It is tried now.\n' });
    await until(() => sink.to(user.email).length === 3, 'the mail');
    await server.idle();
    const { text } = await PostalMime.parse(sink.to(user.email)[2]!.raw);
    await server.look(tokenIn(text!)).expect(200);

    const timeline = await cli('timeline', '--email', user.email);
    const states = timeline.stdout.split('\n').map((line) => /Z {2}([a-z ]+?) {2}/.exec(line)?.[1]);
    for (const state of ['requested', 'queued', 'deferred', 'given up', 'retried', 'handed over', 'opened'])
      expect(states).toContain(state);
    expect(timeline.stdout).not.toContain(user.email);
  });

  it('is dropped where an operator says so, and its address forgotten', async () => {
    sink.verdict = () => ({ code: 451, text: 'try again later' });
    const user = await server.createUser();
    await server.ask(user.email).expect(202);
    await untilTries(1);
    const { id } = await onlyJob();
    expect(await cli('mail', 'drop', id)).toMatchObject({ status: 0, stdout: 'It is not tried again.\n' });
    expect(await queued(JOB_STATES, passwordResetQueue.name)).toEqual([]);
    expect(await cli('mail', 'retry', id)).toMatchObject({ status: 1, stdout: '' });
    expect(await cli('mail', 'show', randomUUID())).toMatchObject({ status: 1 });
  });
});

describe('mails that fail slowly, again and again', () => {
  it('do not hold up one that was never tried', async () => {
    sink.recipientVerdict = () => ({ code: 451, text: 'try again later' });
    const users = await Promise.all(Array.from({ length: 7 }, () => server.createUser()));
    const [healthy, ...slow] = users.map(({ email }) => email);
    for (const email of slow) await server.ask(email).expect(202);
    await server.idle();
    expect(sink.asked).toHaveLength(6);

    const answers: ((verdict: Verdict) => void)[] = [];
    sink.recipientVerdict = () => new Promise((resolve) => answers.push(resolve));
    await server.retryNow();
    await until(() => sink.asked.length === 6 + mailsAtATime, 'as many as are sent at a time');
    await server.ask(healthy!).expect(202);
    answers.shift()!({ code: 451, text: 'try again later' });
    await until(() => sink.asked.length > 6 + mailsAtATime, 'the next one');
    expect(sink.asked.at(-1)).toBe(healthy);

    sink.recipientVerdict = () => undefined;
    for (const answer of answers) answer(undefined);
    await server.idle();
    expect(sink.to(healthy!)).toHaveLength(1);
  });
});

describe('a mail whose link becomes void while it waits', () => {
  /** The mail server puts off what is for one address. */
  const putOff = (email: string) => {
    sink.recipientVerdict = () =>
      sink.asked.at(-1) === email ? { code: 451, text: 'greylisted' } : undefined;
  };
  const letThrough = async () => {
    sink.recipientVerdict = () => undefined;
    await server.retryNow();
    await server.idle();
  };
  const untilPutOff = async (email: string) => {
    await until(() => sink.asked.includes(email), 'the first try');
    await server.idle();
  };
  const suppressed = async (user: Pick<User, 'id'>) =>
    (await eventsOf(user.id))
      .filter(({ act }) => act === 'mail_suppressed')
      .map(({ details }) => [details['template'], details['reason']]);

  it('since another new address was asked for: goes to nobody, and the later link works', async () => {
    const [user, account] = [await server.createUser(), new Account(server)];
    const [first, second] = [`first.${user.email}`, `second.${user.email}`];
    const session = await server.accessTokenFor(user);
    putOff(first);
    await account.changeEmail(session, first).expect(202);
    await untilPutOff(first);
    await account.changeEmail(session, second).expect(202);
    await server.idle();
    await letThrough();
    expect([sink.to(first).length, sink.to(second).length]).toEqual([0, 1]);
    expect(await suppressed(user)).toEqual([['confirm-email', 'link_void']]);
    const { text } = await PostalMime.parse(sink.to(second)[0]!.raw);
    await account.confirmEmail(tokenOf('confirm_email', text!)).expect(204);
  });

  it('since its address was taken: goes to nobody', async () => {
    const [user, email] = [await server.createUser(), Registrations.someAddress()];
    putOff(email);
    await new Account(server).changeEmail(await server.accessTokenFor(user), email).expect(202);
    await untilPutOff(email);
    await server.createUser({ email });
    await letThrough();
    expect(sink.to(email)).toEqual([]);
    expect(await suppressed(user)).toEqual([['confirm-email', 'link_void']]);
  });

  it('since the password was changed: the old address hears of that, and of no change that could be stopped', async () => {
    const [user, account] = [await server.createUser(), new Account(server)];
    const session = await server.accessTokenFor(user);
    putOff(user.email);
    await account.changeEmail(session, Registrations.someAddress()).expect(202);
    await untilPutOff(user.email);
    sink.recipientVerdict = () => undefined;
    await account.changePassword(session, NEW_PASSWORD).expect(200);
    await server.idle();
    await letThrough();
    const subjects = sink.to(user.email).map(({ raw }) => /^Subject: (.*)$/m.exec(raw)![1]);
    expect(subjects).toEqual([expect.stringContaining('Your Password Was Changed')]);
    expect(await suppressed(user)).toEqual([['email-change-started', 'link_void']]);
  });

  it('since its registration was forgotten: goes to nobody, also when an operator brings it back', async () => {
    const [registrations, email] = [new Registrations(server), Registrations.someAddress()];
    putOff(email);
    await registrations.register(email).expect(202);
    await untilPutOff(email);
    const { id } = (await registrations.accounts(email))[0]!;
    await age();
    await server.retryNow();
    await until(async () => (await queued(['dead'], mailQueue.name)).length > 0, 'the end of its tries');
    const [mail] = await queued(['dead'], mailQueue.name);
    server.clock.advance(8 * 86_400);
    await server.app.get(Housekeeping).run();
    sink.recipientVerdict = () => undefined;
    await cli('mail', 'retry', mail!.id);
    await server.idle();
    expect(sink.to(email)).toEqual([]);
    expect(await suppressed({ id })).toEqual([['verify-email', 'link_void']]);
    expect(await registrations.accounts(email)).toEqual([]);
  });

  it('for a day, and does not: goes out when it is let through, with a link that works', async () => {
    const [registrations, email] = [new Registrations(server), Registrations.someAddress()];
    putOff(email);
    await registrations.register(email).expect(202);
    await untilPutOff(email);
    server.clock.advance(86_400);
    await letThrough();
    const { text } = await PostalMime.parse(sink.to(email)[0]!.raw);
    await registrations.verify(verifyTokenIn(text!)).expect(204);
  });
});

describe('what decides about a mail, and fails for too long, is given up and told of', () => {
  afterEach(() => jest.restoreAllMocks());

  const failing = (store: object) =>
    jest.spyOn(store as RegistrationStore, 'findById').mockRejectedValue(new Error('broken'));
  const untilDead = async (queue: string) => {
    await until(async () => (await queued(['waiting'], queue))[0]?.tries === 1, 'the first try');
    await age();
    await server.retryNow();
    await until(async () => (await queued(['dead'], queue)).length === 1, 'the last try');
  };
  const timeline = async (...args: string[]) => {
    await server.app.get(AuditRecorder).flush();
    return (await cli('timeline', ...args)).stdout;
  };

  it('of a registration', async () => {
    failing(server.app.get(RegistrationStore));
    await new Registrations(server).register(`${randomUUID()}@example.com`).expect(202);
    await untilDead(registrationQueue.name);
    const [job] = await queued(['dead'], registrationQueue.name);
    expect(await timeline('--request', job!.requestId)).toMatch(
      / requested .*\n.* given up .* mailId=.* template=verify-email /,
    );
  });

  it('of a change of address', async () => {
    const user = await server.createUser();
    const session = await server.accessTokenFor(user);
    failing(server.app.get(EmailChangeStore));
    await new Account(server).changeEmail(session, `${randomUUID()}@example.com`).expect(202);
    await untilDead('email-change');
    expect(await timeline('--email', user.email)).toMatch(/ given up .* template=confirm-email /);
  });
});

describe('a link that is refused', () => {
  const linkFor = async (user: User) => {
    await server.ask(user.email).expect(202);
    await until(() => sink.to(user.email).length === 1, 'the mail');
    await server.idle();
    return tokenIn((await PostalMime.parse(sink.to(user.email)[0]!.raw)).text!);
  };
  const refusalsOf = async (user: User) => {
    await server.app.get(AuditRecorder).flush();
    const { stdout } = await cli('timeline', '--email', user.email);
    return stdout.split('\n').filter((line) => line.includes('  refused  '));
  };

  const refusal = (act: string, reason: string): unknown =>
    expect.stringMatching(
      new RegExp(` ${act} +reason=${reason} +resetId=[\\da-f-]{36} +source=127\\.0\\.0\\.1 `),
    );

  it('is in the timeline of its account, with the reason, the link and where it was opened', async () => {
    const user = await server.createUser();
    const token = await linkFor(user);
    await server.confirm(token, 'short').expect(422);
    await server.confirm(token, NEW_PASSWORD).expect(204);
    await server.confirm(token, 'another long password').expect(410);
    await server.look(token).expect(410);
    expect(await refusalsOf(user)).toEqual([
      refusal('password_reset_completed', 'PASSWORD_REJECTED'),
      refusal('password_reset_completed', 'RESET_TOKEN_USED'),
      refusal('password_reset_opened', 'RESET_TOKEN_USED'),
    ]);
  });

  it.each([
    ['just over', 11 * 60],
    ['long over', 2 * 86_400],
  ])('is there, too, when its time is %s', async (_, seconds) => {
    const user = await server.createUser();
    const token = await linkFor(user);
    server.clock.advance(seconds);
    await server.look(token).expect(410);
    server.clock.advance(-seconds);
    expect(await refusalsOf(user)).toEqual([refusal('password_reset_opened', 'RESET_TOKEN_EXPIRED')]);
  });
});

describe('a mail that the mail server refuses', () => {
  it.each([
    ['its recipient', () => (sink.recipientVerdict = () => ({ code: 550, text: 'no such mailbox' })), 550],
    ['its text', () => (sink.verdict = () => ({ code: 552, text: '5.2.2 mailbox full' })), '552 5.2.2'],
  ])('for good, for %s, is tried once and told of as bounced', async (_, refuse, code) => {
    refuse();
    const user = await server.createUser();
    await server.ask(user.email).expect(202);
    await until(async () => (await actsOf(user)).includes(`mail_bounced ${code}`), 'the word of it');
    await server.idle();
    expect(await queued(JOB_STATES, passwordResetQueue.name, mailQueue.name)).toEqual([]);
    expect(sink.asked).toEqual([user.email]);
  });
});

describe('a listener of a host that fails where nothing can be taken back any more', () => {
  let away = true;

  beforeEach(() => {
    away = true;
    const transactions = server.app.get(Transactions);
    server.app.get(SecurityEvents).onEvent(() => {
      if (away && !transactions.underWay) throw new Error('the archive is away');
      return Promise.resolve();
    });
  });
  afterEach(() => jest.restoreAllMocks());

  it('fails no ask, has no mail sent twice, and is told of once until it works again', async () => {
    const told = (['error', 'log'] as const).map((level) => jest.spyOn(Logger.prototype, level));
    const lines = () =>
      told
        .flatMap(({ mock }) => mock.calls.map(([line]) => String(line).split('\n')[0]!))
        .filter((line) => line.startsWith('a listener'));
    const user = await server.createUser();
    await server.ask(user.email).expect(202);
    await until(() => sink.to(user.email).length === 1, 'the mail');
    await server.idle();
    expect(await queued(JOB_STATES, passwordResetQueue.name, mailQueue.name)).toEqual([]);
    expect(await actsOf(user)).toContain('mail_handed_over');
    expect(lines()).toEqual(['a listener misses events: Error: the archive is away']);
    away = false;
    await server.login(user.email, 'a wrong password').expect(401);
    expect(lines()).toEqual([
      'a listener misses events: Error: the archive is away',
      'a listener that failed takes events again',
    ]);
  });

  it('has no mail tried again that was refused for good', async () => {
    sink.recipientVerdict = () => ({ code: 550, text: 'no such mailbox' });
    const user = await server.createUser();
    await server.ask(user.email).expect(202);
    await until(async () => (await actsOf(user)).includes('mail_bounced 550'), 'the word of it');
    await server.idle();
    expect(await queued(JOB_STATES, passwordResetQueue.name, mailQueue.name)).toEqual([]);
    expect(sink.asked).toEqual([user.email]);
  });
});

it('a listener of a host that fails inside of a transaction fails the act, which leaves no trace', async () => {
  const user = await server.createUser();
  await server.ask(user.email).expect(202);
  await until(() => sink.to(user.email).length === 1, 'the mail');
  await server.idle();
  const token = tokenIn((await PostalMime.parse(sink.to(user.email)[0]!.raw)).text!);
  let away = true;
  server.app.get(SecurityEvents).onEvent(({ act, outcome }) => {
    if (away && act === 'password_reset_completed' && outcome === 'success') throw new Error('no archive');
    return Promise.resolve();
  });
  await server.confirm(token, NEW_PASSWORD).expect(500);
  away = false;
  await server.login(user.email, NEW_PASSWORD).expect(401);
  await server.confirm(token, NEW_PASSWORD).expect(204);
});

describe('a mail server that wants us to log in first', () => {
  it('gets the mail again: with the mail nothing is wrong', async () => {
    sink.recipientVerdict = () => ({ code: 530, text: 'authentication required' });
    const user = await server.createUser();
    await server.ask(user.email).expect(202);
    await untilTries(1);
    expect(await onlyJob()).toMatchObject({ state: 'waiting', lastError: '530 at RCPT' });
  });
});

describe('a job whose worker has died', () => {
  const holdAsADeadWorkerDid = (userEmail: string) =>
    server.database.query(
      `INSERT INTO latchkey.jobs (id, queue, data, request_id, state, claim, lease_until)
       VALUES (gen_random_uuid(), 'password-reset', $1, 'some-request', 'active', 1, now() - interval '1 second')`,
      [{ emailKey: userEmail }],
    );

  it('is taken over when its lease is over', async () => {
    const user = await server.createUser();
    await holdAsADeadWorkerDid(user.email);
    await until(() => sink.to(user.email).length === 1, 'the mail');
  });

  it('leaves nothing of an address in the queue once it is done', async () => {
    const user = await server.createUser();
    await server.ask(user.email).expect(202);
    await until(() => sink.to(user.email).length === 1, 'the mail');
    await server.idle();
    const [{ rows }] = await server.database.query<[{ rows: string | null }]>(
      `SELECT (SELECT string_agg(jobs::text, '') FROM latchkey.jobs)
        || (SELECT coalesce(string_agg(job_keys::text, ''), '') FROM latchkey.job_keys) AS rows`,
    );
    expect(rows ?? '').not.toContain(user.email);
  });
});

describe('what is heard of a mail after it has left', () => {
  it('is in the timeline of the request that caused it', async () => {
    const user = await server.createUser();
    await server.ask(user.email).expect(202);
    await until(() => sink.to(user.email).length === 1, 'the mail');
    const { messageId } = await PostalMime.parse(sink.to(user.email)[0]!.raw);
    const mailId = /^<([\w-]+)@/.exec(messageId!)![1]!;
    await server.app.get(DeliveryFeedback).report({ mailId, outcome: 'bounced', status: '5.1.1' });
    await server.app.get(AuditRecorder).flush();
    const { stdout } = await cli('timeline', '--email', user.email);
    expect(stdout).toMatch(
      new RegExp(`reported +mail_reported .*mailId=${mailId} .*report=bounced .*status=5\\.1\\.1`),
    );
  });

  it.each([
    { mailId: 'a b', outcome: 'bounced' as const },
    { mailId: randomUUID(), outcome: 'bounced' as const, status: 'susan@example.com is unknown' },
  ])('is not kept where it is free text: %j', async (report) => {
    await expect(server.app.get(DeliveryFeedback).report(report)).rejects.toThrow();
  });
});
