import { INestApplication } from '@nestjs/common';
import { ExpressAdapter, NestExpressApplication } from '@nestjs/platform-express';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test, TestingModuleBuilder } from '@nestjs/testing';
import { randomUUID } from 'node:crypto';
import supertest from 'supertest';
import { DataSource } from 'typeorm';
import { AppModule } from '../../src/app.module';
import { BODY_LIMIT_BYTES, createAdapter, setUp, setUpFastify } from '../../src/server/app.setup';
import { AuthOptions } from '../../src/auth';
import { Clock, parseEmailAddress } from '../../src/common';
import { readSettings, Settings } from '../../src/server/settings';
import { JobsOptions } from '../../src/jobs';
import { Mailbox } from '../../src/mail';
import { MovableClock } from '../../src/testing';
import { User, UsersService } from '../../src/users';
import { MailReader, until } from './mail-reader';

export type AdapterName = 'fastify' | 'express';

export interface TestAppOptions {
  adapter?: AdapterName;
  settings?: Partial<Settings>;
  /** All tests come from one address, so there is no such limit but where a test wants it. */
  failuresPerSource?: number;
  /** Jobs begin at once but where a test wants otherwise; see `JobsOptions`. */
  startDelayMs?: number;
  /** Replaces parts, as `Test.createTestingModule(...)` does. */
  override?: (builder: TestingModuleBuilder) => TestingModuleBuilder;
}

export const PASSWORD = 'correct horse battery staple';

/** Those that run. One that a failed test left behind would take the jobs of every test after it. */
const running = new Set<TestApp>();

afterAll(() => Promise.all([...running].map((server) => server.stop())));

/** The server on a real socket, with a real database, a real (caught) SMTP road, and a clock to move. */
export class TestApp {
  readonly clock: MovableClock;
  readonly database: DataSource;

  private constructor(
    readonly app: INestApplication,
    readonly url: string,
    clock: MovableClock,
  ) {
    this.clock = clock;
    this.database = app.get(DataSource);
  }

  /** What the embedded mail server has caught. */
  get mails(): MailReader {
    return new MailReader(this.app.get(Mailbox));
  }

  static async start({
    adapter = 'fastify',
    settings = {},
    failuresPerSource = 0,
    startDelayMs = 0,
    override,
  }: TestAppOptions = {}): Promise<TestApp> {
    const resolved = {
      ...readSettings({
        BCRYPT_COST: '4',
        RESET_COOLDOWN: '0',
        RESET_MAILS_PER_HOUR: '0',
        LIMIT_PER_MINUTE: '0',
        LOG_LEVEL: 'silent',
      }),
      ...settings,
      secretKey: settings.secretKey ?? 'k7Qm2Zt9Xw4Lr8Vb1Nc6Hd3Jf5Gs0Py-test',
      databaseUrl: settings.databaseUrl ?? process.env['TEST_DATABASE_URL']!,
    };
    const clock = new MovableClock();
    const builder = Test.createTestingModule({ imports: [AppModule.with(resolved)] })
      .overrideProvider(Clock)
      .useValue(clock);
    const module = await (override ? override(builder) : builder).compile();
    const app =
      adapter === 'fastify'
        ? module.createNestApplication<NestFastifyApplication>(createAdapter(resolved), { logger: false })
        : module.createNestApplication<NestExpressApplication>(new ExpressAdapter(), { logger: false });
    if (adapter === 'express')
      (app as NestExpressApplication).useBodyParser('json', { limit: BODY_LIMIT_BYTES });
    setUp(app, resolved);
    if (adapter === 'fastify') await setUpFastify(app as NestFastifyApplication);
    app.get(AuthOptions).failuresPerSource = failuresPerSource;
    app.get(JobsOptions).startDelayMs = startDelayMs;
    await app.listen(0, '127.0.0.1');
    const { port } = app.getHttpServer().address() as { port: number };
    const server = new TestApp(app, `http://127.0.0.1:${port}`, clock);
    running.add(server);
    return server;
  }

  async stop(): Promise<void> {
    running.delete(this);
    await this.app.close();
  }

  /** A client without a memory. */
  get http() {
    return supertest(this.url);
  }

  /** A client that keeps cookies, as a browser does. */
  browser() {
    return supertest.agent(this.url);
  }

  /** A new account, with an address that no other test uses. */
  async createUser({
    email = `${randomUUID()}@example.com`,
    ...rest
  }: Partial<NewTestUser> = {}): Promise<User> {
    const address = parseEmailAddress(email)!;
    return this.app
      .get(UsersService)
      .create({ username: 'Susan', password: PASSWORD, ...rest, email: address });
  }

  ask(email: string) {
    return this.http.post('/api/password-reset').send({ email });
  }

  look(token: string) {
    return this.http.post('/api/password-reset/verify').send({ token });
  }

  confirm(token: string, password: string) {
    return this.http.post('/api/password-reset/confirm').send({ token, password });
  }

  disavow(token: string) {
    return this.http.post('/api/password-reset/disavow').send({ token });
  }

  login(email: string, password: string) {
    return this.http.post('/api/auth/login').send({ email, password });
  }

  me(accessToken: string) {
    return this.http.get('/api/users/me').set('Authorization', `Bearer ${accessToken}`);
  }

  sessionsOf(accessToken: string) {
    return this.http.get('/api/sessions').set('Authorization', `Bearer ${accessToken}`);
  }

  endSession(accessToken: string, id: string, currentPassword = PASSWORD) {
    return this.http
      .delete(`/api/sessions/${id}`)
      .set('Authorization', `Bearer ${accessToken}`)
      .send({ currentPassword });
  }

  /** Fulfilled when no job is due or under way: whatever was to be mailed has been tried. */
  idle(): Promise<void> {
    const open = `SELECT count(*)::int AS jobs FROM latchkey.jobs
      WHERE queue <> 'contract' AND (state = 'active' OR (state = 'waiting' AND due_at <= now()))`;
    return until(
      async () => (await this.database.query<[{ jobs: number }]>(open))[0].jobs === 0,
      'an idle queue',
    );
  }

  /** All specs of a worker come from one address: what earlier ones have used up of its limits shall not count. */
  async forgetCounters(): Promise<void> {
    await this.database.query('DELETE FROM latchkey.limit_counters');
  }

  /** Lets jobs that wait for their next try have it now. */
  async retryNow(): Promise<void> {
    await this.database.query(
      `UPDATE latchkey.jobs SET due_at = now() WHERE state = 'waiting' AND tries > 0`,
    );
  }

  /** Asks, and takes the token out of the mail that comes. */
  async tokenFor(user: User): Promise<string> {
    const seen = this.mails.countTo(user.email);
    await this.ask(user.email).expect(202);
    const mail = await this.mails.next(user.email, seen, 'reset_password/');
    const token = tokenIn(mail.text);
    await this.handedOver(token);
    return token;
  }

  /** Fulfilled when it is written down that a mail was handed over: from then on its link lives, by the clock of then. */
  private handedOver(token: string): Promise<void> {
    const { jti } = JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as { jti: string };
    const mailed = 'SELECT 1 FROM latchkey.password_resets WHERE id = $1 AND mailed_at IS NOT NULL';
    return until(
      async () => (await this.database.query<unknown[]>(mailed, [jti])).length > 0,
      'the record of it',
    );
  }

  async accessTokenFor(user: User, password = PASSWORD): Promise<string> {
    const answer = await this.login(user.email, password).expect(200);
    return (answer.body as { accessToken: string }).accessToken;
  }
}

interface NewTestUser {
  email: string;
  username: string;
  password: string;
  locale: string | null;
}

/** The token in the only reset link of a text. */
export function tokenIn(text: string): string {
  return onlyMatch(text, /reset_password\/([\w.-]+)/g);
}

/** The token in the only link "this was not me" of a text. */
export function notMeTokenIn(text: string): string {
  return onlyMatch(text, /not_me\/([\w.-]+)/g);
}

function onlyMatch(text: string, pattern: RegExp): string {
  const tokens = [...text.matchAll(pattern)].map(([, token]) => token);
  expect(tokens).toHaveLength(1);
  return tokens[0]!;
}
