import { randomUUID } from 'node:crypto';
import { DataSource } from 'typeorm';
import { AuditRecorder } from '../../src/audit/audit-recorder';
import { RecordedSecurityEvent, SecurityEvents, withRequestId } from '../../src/common';
import { JobQueue } from '../../src/jobs';
import { passwordResetQueue } from '../../src/password-reset/password-reset.queue';
import { RegistrationStore, registrationQueue } from '../../src/registration';
import { User, UsersService } from '../../src/users';
import { BatchJobQueue } from '../support/batch-job-queue';
import { SentStatement, statementsDuring } from '../support/statements';
import { TestApp, tokenIn } from '../support/test-app';

const BATCH = 250;

let server: TestApp;
let queue: BatchJobQueue;
let told: RecordedSecurityEvent[];

beforeAll(async () => {
  queue = new BatchJobQueue();
  server = await TestApp.start({
    settings: { resetCooldown: 60, mailsPerHour: 10_000 },
    override: (builder) => builder.overrideProvider(JobQueue).useValue(queue),
  });
  server.app.get(SecurityEvents).onEvent((event) => Promise.resolve(void told.push(event)));
});
beforeEach(async () => {
  // Events of a set-up that wait to be written are no statements of a test.
  await flushEvents();
  told = [];
});

const flushEvents = () => server.app.get(AuditRecorder, { strict: false }).flush();
const request = (emailKey: string, requestId: string = randomUUID()) =>
  withRequestId(requestId, () => queue.enqueue(passwordResetQueue, { emailKey }));
const requestOfNobody = () => request(`${randomUUID()}@example.com`);
const createUsers = (count: number) => Promise.all(Array.from({ length: count }, () => server.createUser()));

/** @returns how many jobs were left for the handler */
async function workOneBatch(): Promise<number> {
  const left = await queue.triage(passwordResetQueue, BATCH);
  await Promise.all(left.map((job) => queue.handle(passwordResetQueue, job)));
  return left.length;
}

const countedDuring = async (work: () => Promise<unknown>): Promise<SentStatement[]> =>
  statementsDuring(async () => {
    await work();
    await flushEvents();
  });

const reasonsOf = (user: User | undefined) =>
  told
    .filter(({ act, userId }) => act === 'password_reset_mailed' && userId === user?.id)
    .map(({ outcome, details }) => details['reason'] ?? outcome);

describe('requests in batches', () => {
  it('are settled in 3 statements where all 250 are for nobody, each with its own event', async () => {
    const requestIds = Array.from({ length: BATCH }, () => randomUUID());
    for (const id of requestIds) await request(`${randomUUID()}@example.com`, id);
    const statements = await countedDuring(async () => expect(await workOneBatch()).toBe(0));
    expect(statements.map(({ text }) => text.slice(0, 6))).toEqual(['SELECT', 'SELECT', 'INSERT']);
    expect(reasonsOf(undefined)).toEqual(Array(BATCH).fill('unknown_address'));
    expect(told.map(({ requestId }) => requestId)).toEqual(requestIds);
  });

  it('hold an owner’s first request no longer than their batches, and nothing else is handled before it', async () => {
    const owner = await server.createUser();
    for (let n = 0; n < 10_000; n++) await requestOfNobody();
    await request(owner.email);
    let [batches, handled] = [0, 0];
    const statements = await countedDuring(async () => {
      for (; server.mails.countTo(owner.email) === 0; batches++) handled += await workOneBatch();
    });
    expect([batches, handled]).toEqual([41, 1]);
    // Three a batch, but for the events, which share statements.
    expect(statements.length).toBeLessThan(41 * 3 + 10);
  });

  it('cost at most 2 statements a mail where there are many', async () => {
    const users = await createUsers(25);
    for (const { email } of users) await request(email);
    const statements = await countedDuring(workOneBatch);
    for (const { email } of users) expect(server.mails.countTo(email)).toBe(1);
    expect(statements.length).toBeLessThanOrEqual(2 * users.length);
  });

  it('mail one link to an account that is in a batch twice, and settle the other as over its pace', async () => {
    const user = await server.createUser();
    const requestIds = [randomUUID(), randomUUID()] as const;
    for (const id of requestIds) await request(user.email, id);
    expect(await workOneBatch()).toBe(1);
    expect(server.mails.countTo(user.email)).toBe(1);
    const mailed = told.filter(({ act }) => act === 'password_reset_mailed');
    expect(mailed.map(({ requestId, details }) => [requestId, details['reason']])).toEqual([
      [requestIds[1], 'cooldown'],
      [requestIds[0], undefined],
    ]);
    const queued = told.filter(({ act }) => act === 'mail_queued');
    expect(queued.map(({ requestId, userId }) => [requestId, userId])).toEqual([[requestIds[0], user.id]]);
    await request(user.email);
    expect(await workOneBatch()).toBe(0);
    expect(reasonsOf(user).at(-1)).toBe('cooldown');
  });

  it('settle those for a disabled account', async () => {
    const user = await server.createUser();
    await server.app.get(UsersService).disable(user.id);
    await request(user.email);
    expect(await workOneBatch()).toBe(0);
    expect(reasonsOf(user)).toEqual(['account_disabled']);
  });

  it('wait for no account that others hold: its request is decided by itself, when it is free', async () => {
    const [held, free] = await createUsers(2);
    for (const user of [held!, free!]) await request(user.email);
    const holder = server.app.get(DataSource).createQueryRunner();
    await holder.startTransaction();
    await holder.query('SELECT 1 FROM latchkey.users WHERE id = $1 FOR UPDATE', [held!.id]);
    const left = await queue.triage(passwordResetQueue);
    expect(left).toHaveLength(2);
    const answered = left.map((job) => queue.handle(passwordResetQueue, job));
    await answered[1];
    expect([held!, free!].map(({ email }) => server.mails.countTo(email))).toEqual([0, 1]);
    await holder.rollbackTransaction();
    await holder.release();
    await answered[0];
    expect(server.mails.countTo(held!.email)).toBe(1);
  });

  it('give a link its whole life, however long its mail has waited for its turn', async () => {
    const user = await server.createUser();
    await request(user.email);
    const [job] = await queue.triage(passwordResetQueue);
    server.clock.advance(300);
    await queue.handle(passwordResetQueue, job!);
    server.clock.advance(600);
    const mail = await server.mails.next(user.email);
    await server.look(tokenIn(mail.text)).expect(200);
  });

  it('mail nothing to an account that was disabled while its mail waited for its turn', async () => {
    const user = await server.createUser();
    await request(user.email);
    const [job] = await queue.triage(passwordResetQueue);
    server.clock.advance(60);
    await server.app.get(UsersService).disable(user.id);
    await queue.handle(passwordResetQueue, job!);
    expect(server.mails.countTo(user.email)).toBe(0);
  });

  it('are left to the handler on a second try, which mails the same link again', async () => {
    const user = await server.createUser();
    await request(user.email);
    const [job] = await queue.triage(passwordResetQueue);
    // As another process would get it, that knows nothing of the first one.
    await queue.handle(passwordResetQueue, { ...job!, data: { ...job!.data } });
    expect(server.mails.countTo(user.email)).toBe(1);
    expect(reasonsOf(user)).toEqual(['success']);
  });
});

describe('registrations in batches', () => {
  it('are settled together where their mailbox has had its mails or their account is disabled', async () => {
    const [paced, disabled] = await createUsers(2);
    await server.app.get(UsersService).disable(disabled!.id);
    await attempt(paced!.email);
    expect(await answerAttempts()).toBe(1);
    const ids = [await attempt(paced!.email), await attempt(disabled!.email), await attempt(paced!.email)];
    const statements = await countedDuring(async () => expect(await answerAttempts()).toBe(0));
    // Three that read, one that discards and one for the events, in a transaction.
    expect(statements).toHaveLength(7);
    const reasons = ids.map(
      (id) => told.find(({ details }) => details['registrationId'] === id)?.details['reason'],
    );
    expect(reasons).toEqual(['cooldown', 'account_disabled', 'cooldown']);
  });

  it('leave those that get a mail, and those of nobody, to be answered one by one', async () => {
    await attempt(`${randomUUID()}@example.com`);
    expect(await answerAttempts()).toBe(1);
    expect(queue.countOf({ name: 'mail' })).toBeGreaterThan(0);
  });

  async function attempt(email: string): Promise<string> {
    const id = randomUUID();
    await server.app.get(RegistrationStore, { strict: false }).insert({
      ...{
        id,
        email,
        emailKey: email,
        username: 'Susan',
        locale: null,
        passwordHash: 'a hash',
        userId: null,
      },
      ...{ createdAt: server.clock.now(), mailedAt: null, usedAt: null },
    });
    await withRequestId(randomUUID(), () => queue.enqueue(registrationQueue, { registrationId: id }));
    return id;
  }

  async function answerAttempts(): Promise<number> {
    const left = await queue.triage(registrationQueue);
    for (const job of left) await queue.handle(registrationQueue, job);
    return left.length;
  }
});
