import { randomUUID } from 'node:crypto';
import { INestApplication, Logger, Type, ValidationPipe } from '@nestjs/common';
import bcrypt from 'bcrypt';
import { DataSource } from 'typeorm';
import {
  Clock,
  JobQueue,
  Mailbox,
  parseEmailAddress,
  PasswordHasher,
  PasswordResetHooks,
  PasswordResetStore,
  RecordedSecurityEvent,
  SecurityEvents,
  SessionStore,
  Transactions,
  UserStore,
} from '../../src';
import { SystemClock } from '../../src/common';
import {
  contractQueue,
  disabledUsersContract,
  InMemoryJobQueue,
  jobQueueContract,
  MovableClock,
  passwordHasherContract,
  passwordResetStoreContract,
  RecordedOutbox,
  sessionStoreContract,
  userEmailContract,
  userStoreContract,
} from '../../src/testing';
import { AppModule as AsyncOptionsHost } from '../fixtures/async-options/app.module';
import { migrateTables } from '../fixtures/embed/migrate';
import { startWeb } from '../fixtures/embed/web';
import { startWorker } from '../fixtures/embed/worker';
import { AuditEntry, AuditHooks } from '../fixtures/hooks/audit-hooks';
import { AppModule as HookedHost } from '../fixtures/hooks/app.module';
import { AppModule as InMemoryHost } from '../fixtures/in-memory/app.module';
import { AppModule as OwnClockHost, TimeServer } from '../fixtures/own-clock/app.module';
import { AppModule as OwnJobQueueHost } from '../fixtures/own-job-queue/app.module';
import { AppModule as OwnLinkHost } from '../fixtures/own-link/app.module';
import { AppModule as OwnMailerHost, mailApi } from '../fixtures/own-mailer/app.module';
import { AppModule as OwnMailsHost } from '../fixtures/own-mails/app.module';
import { AppModule as OwnHasherHost } from '../fixtures/own-password-hasher/app.module';
import { AppModule as OwnPolicyHost } from '../fixtures/own-password-policy/app.module';
import { AppModule as OwnResetStoreHost } from '../fixtures/own-reset-store/app.module';
import { AppModule as OwnRoutesHost } from '../fixtures/own-routes/app.module';
import { GuardedAppModule as GuardedHost } from '../fixtures/own-routes/guarded-app.module';
import { AppModule as OwnSessionStoreHost } from '../fixtures/own-session-store/app.module';
import { AppModule as OwnSignInHost } from '../fixtures/own-sign-in/app.module';
import { Customer } from '../fixtures/own-user-table/customer.entity';
import { ShopModule as OwnUserTableHost } from '../fixtures/own-user-table/shop.module';
import { settings } from '../fixtures/settings';
import { AppModule as SharingHost } from '../fixtures/shared-data-source/app.module';
import { migrate as migrateShared } from '../fixtures/shared-data-source/migrate';
import { OrderService } from '../fixtures/shared-data-source/orders';
import { HostApp, NEW_PASSWORD, PASSWORD, tokenIn } from '../support/host-app';
import { MailProvider } from '../support/mail-provider';
import { until } from '../support/mail-reader';
import type { AdapterName } from '../support/test-app';

interface Surroundings {
  /** What the host's own migrations would make, and how it is cleared away. */
  tables?: { create: string; drop: string };
  setUp?: (app: INestApplication) => void;
}

/** Starts the host for the tests of a `describe`. */
function host(module: Type, adapter: AdapterName, { tables, setUp }: Surroundings = {}): () => HostApp {
  let app: HostApp;
  beforeAll(async () => {
    if (tables) await runSql(tables.create);
    app = await HostApp.start(module, adapter, setUp);
  });
  afterAll(async () => {
    await app.stop();
    if (tables) await runSql(tables.drop);
  });
  return () => app;
}

async function runSql(sql: string): Promise<void> {
  const dataSource = await new DataSource({ type: 'postgres', url: settings.databaseUrl }).initialize();
  await dataSource.query(sql);
  await dataSource.destroy();
}

describe('a host can bring its own user table', () => {
  const shop = host(OwnUserTableHost, 'express', {
    tables: {
      create: `CREATE TABLE shop_customers (
      customer_no serial PRIMARY KEY, mail_address text NOT NULL, mail_key text NOT NULL UNIQUE,
      full_name text NOT NULL, language text, secret text NOT NULL, secret_version integer NOT NULL DEFAULT 1,
      locked_at timestamptz, joined_at timestamptz NOT NULL DEFAULT now())`,
      drop: 'DROP TABLE shop_customers',
    },
  });

  const joinShop = async (customer: Partial<Customer> = {}) => {
    const mailAddress = `${randomUUID()}@example.com`;
    const secret = await bcrypt.hash(PASSWORD, 4);
    const customers = shop().get(DataSource).getRepository(Customer);
    return customers.save({ mailAddress, mailKey: mailAddress, fullName: 'Susan', secret, ...customer });
  };

  it('and its customers get all of the road, with the passwords they have', async () => {
    const { mailAddress, number } = await joinShop();
    const session = await shop().accessTokenFor(mailAddress);
    expect((await shop().me(session).expect(200)).body).toMatchObject({
      id: String(number),
      username: 'Susan',
    });
    await shop().recover(mailAddress);
    await shop().me(session).expect(401);
  });

  it('and its customers change their address there', async () => {
    const { mailAddress } = await joinShop();
    const email = `${randomUUID()}@example.com`;
    await shop()
      .http.post('/api/users/me/email')
      .set('Authorization', `Bearer ${await shop().accessTokenFor(mailAddress)}`)
      .send({ email, currentPassword: PASSWORD })
      .expect(202);
    await until(() => shop().outbox.to(email).length > 0, 'the link');
    const { confirmUrl } = shop().outbox.to(email)[0]!.values as { confirmUrl: string };
    await shop()
      .http.post('/api/email-change/confirm')
      .send({ token: tokenIn(confirmUrl), password: PASSWORD })
      .expect(204);
    await shop().login(mailAddress).expect(401);
    await shop().login(email).expect(200);
  });

  it('and who is locked there gets no mail and no way in', async () => {
    const locked = await joinShop({ lockedAt: new Date() });
    const free = await joinShop();
    await shop().ask(locked.mailAddress).expect(202);
    await shop().tokenFor(free.mailAddress);
    expect(shop().outbox.to(locked.mailAddress)).toEqual([]);
    await shop().login(locked.mailAddress).expect(401);
  });

  userStoreContract(
    () => shop().get(UserStore),
    () => shop().get(Transactions),
    '1000000',
  );

  disabledUsersContract(() => shop().get(UserStore));

  userEmailContract(
    () => shop().get(UserStore),
    () => shop().get(Transactions),
  );
});

describe('a host can bring its own password policy', () => {
  const app = host(OwnPolicyHost, 'express');

  it('which decides alone, and a refusal leaves the link as it is', async () => {
    const { email } = await app().createUser();
    const token = await app().tokenFor(email);
    const refusal = await app().confirm(token, NEW_PASSWORD).expect(422);
    expect(refusal.body).toMatchObject({
      code: 'PASSWORD_REJECTED',
      errors: [{ field: 'password', code: 'common', message: 'This one is in every list of passwords.' }],
    });
    await app().confirm(token, 'short').expect(204);
    await app().login(email, 'short').expect(200);
  });
});

describe('a host can bring its own password hasher', () => {
  const app = host(OwnHasherHost, 'fastify');

  it('on all of the road', async () => {
    const user = await app().createUser();
    expect((await app().get(UserStore).findById(user.id))?.passwordHash).toMatch(/^scrypt\$/);
    await app().recover(user.email);
    expect((await app().get(UserStore).findById(user.id))?.passwordHash).toMatch(/^scrypt\$/);
  });

  passwordHasherContract(() => app().get(PasswordHasher));
});

describe('a host can bring its own mailer, such as an HTTP mail API', () => {
  const provider = new MailProvider();
  beforeAll(async () => {
    mailApi.url = await provider.start();
  });
  afterAll(() => provider.stop());
  const app = host(OwnMailerHost, 'express');

  it('and gives it mails in the same words as ours', async () => {
    const { email } = await app().createUser();
    await app().ask(email).expect(202);
    await until(() => provider.to(email).length === 1, 'the link');
    const [mail] = provider.to(email);
    expect(mail).toMatchObject({ from: settings.mail.from, subject: '[Latchkey] Reset Your Password' });
    const [link] = /https:\S+/.exec(mail!.text)!;
    expect(mail!.html).toContain(link);
    await app().recover(email, tokenIn(link));
    await until(() => provider.to(email).length === 2, 'the notice');
    expect(provider.to(email)[1]).toMatchObject({ subject: '[Latchkey] Your Password Was Changed' });
  });

  it('and tells what it hears of a mail later', async () => {
    const { email } = await app().createUser();
    await app().ask(email).expect(202);
    await until(() => provider.to(email).length === 1, 'the link');
    const events: RecordedSecurityEvent[] = [];
    app()
      .get(SecurityEvents)
      .onEvent((event) => Promise.resolve(void events.push(event)));
    const { id } = provider.to(email)[0]!;
    await app().http.post('/webhooks/mail').send({ id, event: 'hard_bounce', code: '5.1.1' }).expect(204);
    expect(events.filter(({ act }) => act === 'mail_reported')).toMatchObject([
      {
        outcome: 'failure',
        details: { mailId: id, report: 'bounced', status: '5.1.1' },
      },
    ]);
  });

  it('and a mail that it does not get rid of is tried again, under the same id', async () => {
    const { email } = await app().createUser();
    provider.answers.push(503);
    await app().ask(email).expect(202);
    await until(() => provider.to(email).length === 2, 'a second try');
    const [first, second] = provider.to(email);
    expect(second!.id).toBe(first!.id);
    await app().recover(email, tokenIn(/https:\S+/.exec(second!.text)![0]));
  });

  it('and a mail that is refused for good is not', async () => {
    const { email } = await app().createUser();
    provider.answers.push(422);
    await app().ask(email).expect(202);
    await until(() => provider.to(email).length === 1, 'the mail that is refused');
    const other = await app().createUser();
    await app().ask(other.email).expect(202);
    await until(() => provider.to(other.email).length === 1, 'a later mail');
    expect(provider.to(email)).toHaveLength(1);
  });
});

describe('a host can bring its own job queue', () => {
  let handlers: Parameters<Parameters<typeof jobQueueContract>[2]>;
  const app = host(OwnJobQueueHost, 'express', {
    tables: {
      create: `CREATE TABLE shop_jobs (
      id uuid PRIMARY KEY DEFAULT gen_random_uuid(), number serial, queue text NOT NULL, data jsonb NOT NULL,
      unique_key text, tries integer NOT NULL DEFAULT 0, free_at timestamptz NOT NULL DEFAULT now(),
      done boolean NOT NULL DEFAULT false, added_at timestamptz NOT NULL DEFAULT now(), UNIQUE (queue, unique_key))`,
      drop: 'DROP TABLE shop_jobs',
    },
    setUp: (nest) =>
      nest.get(JobQueue).work(
        contractQueue,
        (job) => handlers[0](job),
        async (job) => handlers[1]?.(job),
      ),
  });

  it('for mails and notices', async () => {
    const { email } = await app().createUser();
    await app().recover(email);
    await until(() => app().outbox.to(email).length === 2, 'the notice');
  });

  it('which swallows a second ask in the cool-down, as ours does', async () => {
    const { email } = await app().createUser();
    await app().ask(email).expect(202);
    await app().ask(email).expect(202);
    await app().tokenFor((await app().createUser()).email);
    expect(app().outbox.to(email)).toHaveLength(1);
  });

  jobQueueContract(
    () => app().get(JobQueue),
    () => app().get(Transactions),
    (...newHandlers) => (handlers = newHandlers),
  );
});

describe('a host can bring its own session store', () => {
  const app = host(OwnSessionStoreHost, 'express');

  it('and a reset ends the sessions there', async () => {
    const { email } = await app().createUser();
    const session = await app().accessTokenFor(email);
    await app().me(session).expect(200);
    await app().recover(email);
    await app().me(session).expect(401);
  });

  sessionStoreContract(() => app().get(SessionStore));
});

describe('a host can bring its own reset store', () => {
  const app = host(OwnResetStoreHost, 'fastify', {
    tables: {
      create: `CREATE TABLE shop_recoveries (
      id uuid PRIMARY KEY, customer text NOT NULL, made_at timestamptz NOT NULL, dies_at timestamptz NOT NULL,
      sent_at timestamptz, spent_at timestamptz, dead_since timestamptz, denied_at timestamptz, mailed_to text,
      ignored_since timestamptz, undoes uuid)`,
      drop: 'DROP TABLE shop_recoveries',
    },
  });

  it('and a link is good once there too', async () => {
    const { email } = await app().createUser();
    await app().recover(email);
  });

  passwordResetStoreContract(
    () => app().get(PasswordResetStore),
    () => app().get(Transactions),
  );
});

describe('a host can bring its own clock', () => {
  const app = host(OwnClockHost, 'fastify');

  it('and links live and die by it', async () => {
    const token = await app().tokenFor((await app().createUser()).email);
    await app().look(token).expect(200);
    app().get(TimeServer).driftMilliseconds = 11 * 60 * 1000;
    expect((await app().look(token).expect(410)).body).toMatchObject({ code: 'RESET_TOKEN_EXPIRED' });
  });
});

describe('a host can bring its own mail templates and texts', () => {
  const app = host(OwnMailsHost, 'express');

  it('in its own languages', async () => {
    const german = await app().createUser();
    await app().get(DataSource).query("UPDATE latchkey.users SET locale = 'fr' WHERE id = $1", [german.id]);
    await app().ask(german.email).expect(202);
    const mail = await app()
      .get(Mailbox)
      .waitFor(({ envelope }) => envelope.to.includes(german.email));
    expect(mail.subject).toBe('Gemüsekiste : nouveau mot de passe');
    expect(mail.text).toContain('Bonjour Susan,');
    expect(mail.html).toContain('background: #efe');
    await app().recover(german.email, tokenIn(/https:\S+/.exec(mail.text)![0]));
  });

  it('and its default language for who has chosen none', async () => {
    const { email } = await app().createUser();
    await app().ask(email).expect(202);
    const mail = await app()
      .get(Mailbox)
      .waitFor(({ envelope }) => envelope.to.includes(email));
    expect(mail.subject).toBe('Gemüsekiste: Neues Passwort');
    expect(mail.text).toContain('Der Link gilt 10 Minuten.');
  });
});

describe('a host can bring its own link', () => {
  const app = host(OwnLinkHost, 'express');

  it('to a single-page application, with the token in the fragment', async () => {
    const { email } = await app().createUser();
    const link = new URL(await app().linkFor(email));
    expect(`${link.origin}${link.pathname}`).toBe('https://app.example.com/reset');
    expect(link.search).toBe('');
    await app().recover(email, link.hash.slice(1));
  });

  it('also the one by which people say that it was not they', async () => {
    const { email } = await app().createUser();
    const session = await app().accessTokenFor(email);
    await app().linkFor(email);
    const { notMeUrl } = app().outbox.to(email)[0]!.values as { notMeUrl: string };
    expect(notMeUrl).toMatch(/^https:\/\/app\.example\.com\/not-me#[\w.-]+$/);
    const token = tokenIn(notMeUrl);
    await app().http.post('/api/password-reset/disavow').send({ token }).expect(204);
    await app().me(session).expect(401);
  });
});

describe('a host can hook into what happens', () => {
  const app = host(HookedHost, 'express', {
    tables: {
      create: 'CREATE TABLE shop_audit (id serial PRIMARY KEY, user_id text, event text NOT NULL)',
      drop: 'DROP TABLE shop_audit',
    },
  });

  const eventsOf = async (userId: string | null) => {
    const entries = await app()
      .get(DataSource)
      .query<{ event: string }[]>('SELECT event FROM shop_audit WHERE user_id = $1 ORDER BY id', [userId]);
    return entries.map(({ event }) => event);
  };

  it('and keep a record of it', async () => {
    const user = await app().createUser();
    await app().recover(user.email);
    expect(await eventsOf(user.id)).toEqual(['mailed', 'reset from 127.0.0.1']);
    await app().ask(`${randomUUID()}@example.com`).expect(202);
    const suppressed = () =>
      app().get(DataSource).getRepository(AuditEntry).countBy({ event: 'no mail: unknown_address' });
    await until(async () => (await suppressed()) === 1, 'a record of an ask for nobody');
  });

  it('and forbid a reset, which then leaves no trace', async () => {
    const user = await app().createUser();
    const session = await app().accessTokenFor(user.email);
    const token = await app().tokenFor(user.email);
    const { frozen } = app().get(PasswordResetHooks) as AuditHooks;
    frozen.add(user.id);
    const { body } = await app().confirm(token).expect(403);
    expect(body).toMatchObject({ code: 'ACCOUNT_FROZEN', detail: 'This account is frozen.' });
    expect(await eventsOf(user.id)).toEqual(['mailed']);
    await app().look(token).expect(200);
    await app().me(session).expect(200);
    await app().login(user.email, PASSWORD).expect(200);
    frozen.delete(user.id);
    await app().recover(user.email, token);
  });
});

describe('a host can keep its own sign-in, with a guard of its own for all routes', () => {
  const app = host(OwnSignInHost, 'express');

  it('and a reset ends the sessions of it', async () => {
    const { email } = await app().createUser();
    const signIn = (password: string) => app().http.post('/shop/sessions').send({ email, password });
    const look = (session: string) => app().http.get('/shop/sessions').set('x-shop-session', session);
    const { body } = await signIn(PASSWORD).expect(201);
    await look(body.id).expect(200, { open: 1 });
    const token = await app().tokenFor(email);
    await app().confirm(token).expect(204);
    await look(body.id).expect(403);
    await signIn(PASSWORD).expect(401);
    await signIn(NEW_PASSWORD).expect(201);
  });

  it('without our routes for it', async () => {
    await app().login('susan@example.com').expect(404);
  });
});

describe('a host can share its own TypeORM data source', () => {
  const create = `CREATE TABLE migrations (LIKE latchkey.latchkey_migrations INCLUDING ALL);
    INSERT INTO migrations SELECT * FROM latchkey.latchkey_migrations;
    CREATE TABLE users (name text); CREATE TABLE sessions (name text); CREATE TABLE password_resets (name text)`;
  // The records of the migrations that the tests before this one have run are told to the host's own.
  const app = host(SharingHost, 'express', {
    tables: { create, drop: 'DROP TABLE migrations, orders, users, sessions, password_resets' },
  });
  beforeAll(() => migrateShared());

  it('and its tables migrate together with ours, again and again', async () => {
    const [{ count }] = await app()
      .get(DataSource)
      .query("SELECT count(*) FROM migrations WHERE name LIKE '%Orders%'");
    expect(Number(count)).toBe(1);
    await migrateShared();
  });

  it('and all of the road runs over it, beside tables of its own that have the names of ours', async () => {
    await app().recover((await app().createUser()).email);
    for (const table of ['users', 'sessions', 'password_resets'])
      expect(await app().get(DataSource).query(`SELECT * FROM public.${table}`)).toEqual([]);
  });

  it('and changes of its own and ours commit or roll back together', async () => {
    const newUser = () => ({
      email: parseEmailAddress(`${randomUUID()}@example.com`)!,
      username: 'Susan',
      password: PASSWORD,
    });
    const orders = app().get(OrderService);
    const { customer } = await orders.orderAsNewCustomer(newUser(), 'bread');
    expect(await orders.ordersOf(customer)).toMatchObject([{ article: 'bread' }]);
    const second = newUser();
    await expect(orders.orderAsNewCustomer(second, '')).rejects.toThrow('Nothing is ordered.');
    await app().login(second.email.address).expect(401);
    await expect(orders.orderAsNewCustomer(second, 'butter')).resolves.toMatchObject({ article: 'butter' });
  });
});

describe('a host can run everything in memory for its tests', () => {
  const app = host(InMemoryHost, 'express');

  it('and knows without waiting that a link has been mailed', async () => {
    const { email } = await app().createUser();
    await app().ask(email).expect(202);
    await app().get(InMemoryJobQueue).idle();
    const link = app().get(RecordedOutbox).lastResetLink(email);
    await app().recover(email, tokenIn(link));
  });

  it('and says so where no link was mailed', async () => {
    await app().ask('nobody@example.com').expect(202);
    await app().get(InMemoryJobQueue).idle();
    expect(() => app().outbox.lastResetLink('nobody@example.com')).toThrow(
      'No reset link was mailed to nobody@example.com.',
    );
  });

  it('and lets time pass', async () => {
    const { email } = await app().createUser();
    const token = await app().tokenFor(email);
    const clock = app().get(Clock) as MovableClock;
    clock.advance(661);
    expect((await app().look(token).expect(410)).body).toMatchObject({ code: 'RESET_TOKEN_EXPIRED' });
    await app().recover(email);
  });

  it('with limits and veto as in PostgreSQL: all or nothing', async () => {
    const user = await app().createUser();
    const token = await app().tokenFor(user.email);
    const hooks = app().get(PasswordResetHooks);
    const veto = jest.spyOn(hooks, 'onPasswordReset').mockRejectedValueOnce(new Error('not now'));
    await app().confirm(token).expect(500);
    veto.mockRestore();
    expect((await app().get(UserStore).findById(user.id))?.credentialsVersion).toBe(1);
    await app().recover(user.email, token);
    const others = await Promise.all(
      [1, 2, 3].map((n) => app().confirm(token, `another long password ${n}`)),
    );
    expect(others.map(({ status }) => status)).toEqual([410, 410, 410]);
    await app().confirm(token).expect(204);
    expect((await app().get(UserStore).findById(user.id))?.credentialsVersion).toBe(2);
  });

  it('without asking for a database or a mail server', () => {
    expect(() => app().get(DataSource)).toThrow();
  });
});

describe('a host can give options asynchronously, from its own configuration', () => {
  const app = host(AsyncOptionsHost, 'fastify');

  it('and they count', async () => {
    const { email } = await app().createUser();
    const link = await app().linkFor(email);
    expect(link).toMatch(/^https:\/\/vault\.example\.com\/reset#/);
    const { body } = await app().look(tokenIn(link)).expect(200);
    const minutes = (new Date(body.expiresAt).getTime() - Date.now()) / 60_000;
    expect(minutes).toBeGreaterThan(4);
    expect(minutes).toBeLessThanOrEqual(6.1);
    await app().recover(email, tokenIn(link));
  });
});

describe.each<AdapterName>(['express', 'fastify'])(
  'the routes of a host keep their own behavior, on %s',
  (adapter) => {
    const app = host(OwnRoutesHost, adapter);

    it('takes what the host takes: no pipe and no guard of ours reaches its controllers', async () => {
      const { body } = await app()
        .http.post('/shop/echo')
        .send({ any: ['thing'], n: 1 })
        .expect(201);
      expect(body).toEqual({ received: { any: ['thing'], n: 1 } });
      await app().http.post('/shop/orders').send({ pieces: 'many', unknown: true }).expect(201);
    });

    it('answers errors as the host does', async () => {
      const refused = await app().http.post('/shop/orders').send({ pieces: 101 }).expect(400);
      expect(refused.type).toBe('application/json');
      expect(refused.body).toEqual({
        statusCode: 400,
        message: 'We do not have as many.',
        error: 'Bad Request',
      });
      const broken = await app().http.get('/shop/broken').expect(500);
      expect(broken.body).toEqual({ statusCode: 500, message: 'Internal server error' });
      const missing = await app().http.get('/shop/nothing').expect(404);
      expect(missing.body).toMatchObject({ statusCode: 404, error: 'Not Found' });
    });

    it('lets the host put single routes behind our sign-in', async () => {
      const { email } = await app().createUser();
      await app().http.get('/shop/basket').expect(401);
      const session = await app().accessTokenFor(email);
      const { body } = await app()
        .http.get('/shop/basket')
        .set('Authorization', `Bearer ${session}`)
        .expect(200);
      expect(body).toEqual({ owner: email });
    });

    it('answers ours as documented in it', async () => {
      const answer = await app()
        .http.post('/api/password-reset')
        .send({ email: 'nonsense', more: 1 })
        .expect(400);
      expect(answer.type).toBe('application/problem+json');
      expect(answer.body).toMatchObject({
        code: 'VALIDATION_FAILED',
        errors: [{ field: 'more' }, { field: 'email' }],
      });
      await app()
        .http.post('/api/password-reset')
        .type('form')
        .send({ email: 'susan@example.com' })
        .expect(415);
      await app().recover((await app().createUser()).email);
    });
  },
);

describe.each<AdapterName>(['express', 'fastify'])(
  'global settings of a host do not break ours, on %s',
  (adapter) => {
    const strict = host(OwnRoutesHost, adapter, {
      setUp: (app) => {
        app.setGlobalPrefix('v1');
        app.useGlobalPipes(
          new ValidationPipe({
            whitelist: true,
            transform: true,
            transformOptions: { enableImplicitConversion: true },
            errorHttpStatusCode: 418,
          }),
        );
      },
    });
    const guarded = host(GuardedHost, adapter);

    it('neither its prefix nor its pipe', async () => {
      const { email } = await strict().createUser();
      const ask = (body: object) => strict().http.post('/v1/api/password-reset').send(body);
      await ask({ email }).expect(202);
      const answers = [await ask({ email: 5 }), await ask({ email, more: 1 }), await ask({})];
      for (const answer of answers) {
        expect(answer.status).toBe(400);
        expect(answer.type).toBe('application/problem+json');
        expect(answer.body).toMatchObject({ code: 'VALIDATION_FAILED', errors: [expect.anything()] });
      }
      await strict().http.post('/v1/shop/orders').send({ pieces: 'many' }).expect(418);
    });

    it('nor a guard for all routes: ours are open where they must be', async () => {
      await guarded().http.get('/shop/nothing').expect(404);
      await guarded().http.post('/shop/echo').send({}).expect(201);
      const { email } = await guarded().createUser();
      await guarded().recover(email);
      await guarded().http.get('/api/users/me').expect(401);
    });
  },
);

describe('a host can leave the work in the background to another process', () => {
  it('whose mails go out for what the first has been asked', async () => {
    const mailbox = new Mailbox(new SystemClock());
    settings.mail.port = (await mailbox.listen()).port;
    Logger.overrideLogger(false);
    await migrateTables();
    const web = HostApp.of(await startWeb(0));
    const worker = await startWorker();
    try {
      const { email } = await web.createUser();
      await web.ask(email).expect(202);
      const { text } = await mailbox.waitFor(({ envelope }) => envelope.to.includes(email));
      const token = tokenIn(/https:\S+/.exec(text)![0]);
      const { body } = await web.confirm(token, 'shop.example.com 1').expect(422);
      expect(body.errors).toEqual([expect.objectContaining({ code: 'contains_account' })]);
      await web.recover(email, token);
      await mailbox.waitFor(({ subject }) => subject === '[The Shop] Your Password Was Changed');
    } finally {
      await web.stop();
      await worker.close();
      await mailbox.onApplicationShutdown();
    }
  });
});
