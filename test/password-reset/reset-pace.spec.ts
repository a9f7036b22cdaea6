import { Test, TestingModule } from '@nestjs/testing';
import fc from 'fast-check';
import { AuthModule, AuthService, SessionStore } from '../../src/auth';
import {
  Clock,
  CommonModule,
  parseEmailAddress,
  RecordedSecurityEvent,
  secondsAfter,
  SecurityEvents,
} from '../../src/common';
import { RateLimiter } from '../../src/limits';
import { ReadToken, SignedTokens, TokenInvalidError } from '../../src/links';
import { DeliveryFeedback, Mail, MailboxPaceStore, MailRefusedError } from '../../src/mail';
import {
  DisavowalService,
  PasswordResetModule,
  PasswordResetOptions,
  PasswordResetService,
  PasswordResetStore,
  QuietPeriodStore,
} from '../../src/password-reset';
import { RegistrationModule, RegistrationService, RegistrationStore } from '../../src/registration';
import {
  InMemoryJobQueue,
  InMemoryModule,
  inMemoryStores,
  InMemoryTransactions,
  InMemoryUserStore,
  MovableClock,
  RecordedOutbox,
} from '../../src/testing';
import { PasswordHasher, PasswordPolicy, UsersModule, UsersService, UserStore } from '../../src/users';
import { sampleSize } from '../support/sample-size';
import { ScheduledJobs } from '../support/scheduled-jobs';
import { UNLIMITED } from '../support/unlimited';

const SOURCE = { ip: '192.0.2.1' };
const SILENT = { log: () => undefined, warn: () => undefined, error: () => undefined };
const password = (n: number) => `correct horse battery staple ${n}`;

/** It stands still unless a schedule moves it. */
const THE_CLOCK = new MovableClock();
THE_CLOCK.freeze();

/** The password itself: ten thousand schedules have no time for bcrypt. */
class PlainHasher extends PasswordHasher {
  hash(text: string) {
    return Promise.resolve(`plain ${text}`);
  }
  verify(text: string, hash: string | undefined) {
    return Promise.resolve(hash === `plain ${text}`);
  }
  isOutdated() {
    return false;
  }
}

class EveryPassword extends PasswordPolicy {
  check() {
    return Promise.resolve([]);
  }
}

/** Tokens without a signature: here nobody forges one. */
class PlainTokens extends SignedTokens {
  override sign(purpose: string, id: string, expiresAt: Date): string {
    return JSON.stringify({ purpose, id, expiresAt: expiresAt.getTime() });
  }
  override read(purpose: string, token: string): ReadToken {
    const claims = JSON.parse(token) as { purpose: string; id: string; expiresAt: number };
    if (claims.purpose !== purpose) throw new TokenInvalidError();
    return { id: claims.id, expired: new Date(claims.expiresAt) <= THE_CLOCK.now() };
  }
}

/** A mail server that may be away, or refuse for good. */
class FickleOutbox extends RecordedOutbox {
  state: 'up' | 'down' | 'refusing' = 'up';

  override send<Values extends object>(mail: Mail<Values>): Promise<void> {
    if (this.state === 'down') return Promise.reject(new Error('no answer'));
    if (this.state === 'refusing') return Promise.reject(new MailRefusedError('550 5.2.2'));
    return super.send(mail);
  }
}

class ForgetfulUsers extends InMemoryUserStore {
  forgetAll(): void {
    for (const { id } of this.users.filter(() => true)) this.users.delete(id);
  }
}

/** What earlier schedules have left makes tables slow. */
async function forgetRows(module: TestingModule, clock: Clock): Promise<void> {
  const all = secondsAfter(clock.now(), 366 * 86_400);
  const theStore = <T>(port: abstract new (...parameters: never) => T): T =>
    module.get(port, { strict: false });
  await theStore(PasswordResetStore).deleteExpired(all);
  await theStore(QuietPeriodStore).deleteExpired(all);
  await theStore(RegistrationStore).deleteExpired(all);
  await theStore(SessionStore).deleteExpired(all);
  await theStore(MailboxPaceStore).deleteExpired(all);
  (theStore(UserStore) as ForgetfulUsers).forgetAll();
}

/** Stranger and owner of one account, over the parts of the product that decide about mails. */
class World {
  /** What the account's address and password are now. */
  private email: string;
  private passwords = 0;
  /** The owner has said "this was not me": no mails until then is their own wish, a minute where the password is dead. */
  private quietUntil = new Date(0);

  private constructor(
    private readonly module: TestingModule,
    readonly clock: MovableClock,
    readonly outbox: FickleOutbox,
    readonly jobs: ScheduledJobs,
    private readonly events: RecordedSecurityEvent[],
    number: number,
  ) {
    this.email = `susan${number}@example.com`;
  }

  static async build(): Promise<(number: number) => Promise<World>> {
    const clock = THE_CLOCK;
    const secretKey = 'k7Qm2Zt9Xw4Lr8Vb1Nc6Hd3Jf5Gs0Py-test';
    const urls = { requestUrl: 'https://example.com/request' };
    const [resetUrl, disavowUrl] = [
      'https://id.example.com/reset/{token}',
      'https://id.example.com/not_me/{token}',
    ];
    const module = await Test.createTestingModule({
      imports: [
        InMemoryModule,
        CommonModule.forRoot({ secretKey, overrides: [{ provide: Clock, useValue: clock }] }),
        UsersModule.forRoot({
          overrides: [
            { provide: UserStore, useClass: ForgetfulUsers },
            { provide: PasswordHasher, useClass: PlainHasher },
            { provide: PasswordPolicy, useClass: EveryPassword },
          ],
        }),
        AuthModule.forRoot({ overrides: inMemoryStores.auth }),
        PasswordResetModule.forRoot({
          ...{ ...urls, resetUrl, disavowUrl },
          overrides: inMemoryStores.passwordReset,
        }),
        RegistrationModule.forRoot({
          ...{ ...urls, verifyUrl: 'https://id.example.com/verify/{token}' },
          overrides: inMemoryStores.registration,
        }),
      ],
    })
      .overrideProvider(InMemoryJobQueue)
      .useFactory({
        factory: (transactions: InMemoryTransactions) => new ScheduledJobs(transactions, clock),
        inject: [InMemoryTransactions],
      })
      .overrideProvider(SignedTokens)
      .useClass(PlainTokens)
      .overrideProvider(RecordedOutbox)
      .useClass(FickleOutbox)
      .overrideProvider(RateLimiter)
      .useValue(UNLIMITED)
      .setLogger(SILENT)
      .compile();
    await module.init();
    const events: RecordedSecurityEvent[] = [];
    module.get(SecurityEvents, { strict: false }).onEvent((event) => {
      if (event.act === 'password_reset_disavowed') events.push(event);
      return Promise.resolve();
    });
    const jobs = module.get<ScheduledJobs>(InMemoryJobQueue);
    const outbox = module.get<FickleOutbox>(RecordedOutbox);
    return async (number) => {
      await forgetRows(module, clock);
      jobs.forgetAll();
      outbox.mails.length = 0;
      outbox.state = 'up';
      events.length = 0;
      return new World(module, clock, outbox, jobs, events, number);
    };
  }

  async begin(state: 'registered' | 'unverified', pace: Partial<PasswordResetOptions>): Promise<void> {
    Object.assign(this.module.get(PasswordResetOptions), pace);
    if (state === 'registered') {
      await this.users.create({ email: this.address, username: 'Susan', password: password(0) });
    } else {
      await this.register();
    }
  }

  /** Time passes; what falls due meanwhile is done when it does. */
  async pass(seconds: number): Promise<void> {
    const end = secondsAfter(this.clock.now(), seconds);
    await this.jobs.runDue();
    for (let due = this.jobs.nextDue; due && due <= end; due = this.jobs.nextDue) {
      this.clock.advance((due.getTime() - this.clock.now().getTime()) / 1000);
      await this.jobs.runDue();
    }
    this.clock.advance((end.getTime() - this.clock.now().getTime()) / 1000);
  }

  async request(): Promise<void> {
    await this.resets.request(this.address, SOURCE);
    await this.jobs.runDue();
  }

  async register(): Promise<void> {
    const registration = { email: this.address, username: 'Stranger', password: password(99) };
    await this.module.get(RegistrationService).request(registration, SOURCE);
    await this.jobs.runDue();
  }

  async signIn(): Promise<void> {
    await this.auth.login(this.address, password(this.passwords), SOURCE).catch(() => undefined);
  }

  async signInWrongly(): Promise<void> {
    await this.auth.login(this.address, 'a wrong password', SOURCE).catch(() => undefined);
  }

  /** Owner or intruder sets a password by the latest link that is alive. */
  async reset(): Promise<void> {
    const token = await this.liveToken();
    if (token === undefined) return;
    await this.resets.confirm(token, password(this.passwords + 1), SOURCE);
    this.passwords += 1;
    await this.jobs.runDue();
  }

  /** The owner presses the latest "this was not me", of a reset mail or of the notice of a reset. */
  async disavow(): Promise<void> {
    const token = this.tokens('notMeUrl').at(-1);
    if (token === undefined) return;
    await this.module
      .get(DisavowalService)
      .confirm(token, SOURCE)
      .catch(() => undefined);
    const { repeated, sealed } = this.events.at(-1)?.details ?? { repeated: true };
    if (repeated) return;
    const { quietPeriodSeconds } = this.module.get(PasswordResetOptions);
    this.quietUntil = secondsAfter(this.clock.now(), sealed ? 60 : quietPeriodSeconds);
  }

  async moveAddress(): Promise<void> {
    const user = await this.user();
    if (!user || user.unverifiedSince) return;
    this.email = `moved${this.email}`;
    await this.users.changeEmail(user.id, this.address);
  }

  /** The provider of the mails says that the latest did not arrive after all. */
  async bounce(): Promise<void> {
    const latest = this.outbox.mails.findLastIndex(({ values }) => 'link' in values);
    if (latest < 0) return;
    const [{ id: mailId }] = this.outbox.mails.splice(latest, 1) as [Mail];
    await this.module.get(DeliveryFeedback).report({ mailId, outcome: 'bounced' });
  }

  /** The latest link in the mailbox, if it would set a password now: where it would not, no earlier one does. */
  async liveToken(): Promise<string | undefined> {
    const token = this.tokens('link').at(-1);
    const verified = token && (await this.resets.inspect(token, SOURCE).catch(() => undefined));
    return verified && token;
  }

  /** The promise: a mailed link is alive, or a request sends one within the pace. */
  async ownerGetsIn(): Promise<boolean> {
    if (await this.liveToken()) return true;
    if (this.quietUntil > this.clock.now()) await this.pass(this.secondsUntil(this.quietUntil));
    this.outbox.state = 'up';
    await this.request();
    if (await this.liveToken()) return true;
    const { cooldownSeconds } = this.module.get(PasswordResetOptions);
    // A try under way comes back after 57 seconds at most; a request in the same stretch as another costs that stretch.
    await this.pass(Math.max(60, cooldownSeconds + Math.ceil(cooldownSeconds / 12)));
    await this.request();
    return (await this.liveToken()) !== undefined;
  }

  private secondsUntil(moment: Date): number {
    return (moment.getTime() - this.clock.now().getTime()) / 1000;
  }

  private tokens(name: string): string[] {
    return this.outbox.to(this.email).flatMap(({ values }) => {
      const link = (values as Record<string, unknown>)[name];
      return typeof link === 'string' ? [link.slice(link.lastIndexOf('/') + 1)] : [];
    });
  }

  private user() {
    return this.users.findByEmail(this.address);
  }

  private get address() {
    return parseEmailAddress(this.email)!;
  }

  private get users() {
    return this.module.get(UsersService);
  }

  private get auth() {
    return this.module.get(AuthService);
  }

  private get resets() {
    return this.module.get(PasswordResetService);
  }
}

const ACTS: Record<string, (world: World) => Promise<void> | void> = {
  request: (world) => world.request(),
  'request again': (world) => world.request(),
  'request until it sends': async (world) => {
    for (let n = 0; n < 4; n++) {
      await world.request();
      await world.pass(61);
    }
  },
  register: (world) => world.register(),
  'sign in': (world) => world.signIn(),
  'sign in wrongly': (world) => world.signInWrongly(),
  reset: (world) => world.reset(),
  disavow: (world) => world.disavow(),
  'move the address': (world) => world.moveAddress(),
  bounce: (world) => world.bounce(),
  'mail server away': ({ outbox }) => void (outbox.state = 'down'),
  'mail server refuses': ({ outbox }) => void (outbox.state = 'refusing'),
  'mail server back': ({ outbox }) => void (outbox.state = 'up'),
};

const seconds = fc.constantFrom(0, 1, 4, 30, 59, 60, 61, 300, 599, 601, 661, 1800, 3599, 3601, 4000);
const step = fc.record({ act: fc.constantFrom(...Object.keys(ACTS)), after: seconds });
const schedule = fc.record({
  account: fc.constantFrom('registered' as const, 'unverified' as const),
  cooldownSeconds: fc.constantFrom(60, 60, 60, 0, 600),
  mailsPerHour: fc.constantFrom(2, 2, 2, 0, 1, 5),
  tokenTtlSeconds: fc.constantFrom(600, 600, 60, 3600),
  steps: fc.array(step, { maxLength: 9 }),
  /** Whether the owner tries at each step; else only at the end. */
  always: fc.boolean(),
});

describe('the owner’s road is always open', () => {
  it('in random schedules of stranger and owner: a mailed link is alive, or a request sends one within the pace', async () => {
    const next = await World.build();
    let made = 0;
    const property = fc.asyncProperty(schedule, async ({ account, steps, always, ...pace }) => {
      const world = await next(++made);
      await world.begin(account, pace);
      for (const { act, after } of steps) {
        await ACTS[act]!(world);
        await world.pass(after);
        if (always && !(await world.ownerGetsIn())) return false;
      }
      return world.ownerGetsIn();
    });
    await fc.assert(property, { numRuns: sampleSize(10_000), seed: 20_261_127 });
  }, 600_000);
});
