import { randomInt, randomUUID } from 'node:crypto';
import { EmailChangeMoves } from '../../src/account';
import { AuditEvent, AuditTrail } from '../../src/audit';
import { AuditRecorder } from '../../src/audit/audit-recorder';
import { SECURITY_ACTS } from '../../src/common';
import { UsersService } from '../../src/users';
import { Account, tokenOf } from '../support/account';
import { PageVisitor } from '../support/page-visitor';
import { Registrations, verifyTokenIn } from '../support/registrations';
import { notMeTokenIn, PASSWORD, TestApp, tokenIn } from '../support/test-app';

const NEW_PASSWORD = 'staple battery horse correct';

/** Everything that is recorded while something happens, and because of it. */
async function eventsOf(server: TestApp, happening: () => Promise<unknown>): Promise<AuditEvent[]> {
  const recorder = server.app.get(AuditRecorder);
  await server.idle();
  await recorder.flush();
  await server.database.query('DELETE FROM latchkey.audit_events');
  await happening();
  await server.idle();
  await recorder.flush();
  return (await server.app.get(AuditTrail).find({ limit: 1000 })).reverse();
}

/** `act` for a success, `act: reason` for a failure, `act (template)` for a mail. */
function tell({ act, outcome, details }: AuditEvent): string {
  const { template, reason, limit } = details;
  if (outcome === 'failure') return `${act}: ${reason ?? limit}`;
  return template === undefined ? act : `${act} (${template})`;
}

/** What clients do, by a page or by the API; the others are what a worker does about it. */
const BY_CLIENTS = /_(requested|opened|completed|disavowed|verified|confirmed|cancelled|refused)$|^login$/;
/** What is done with a mailed link, however it ends: it is told whose it is. */
const WITH_A_LINK = /_(opened|completed|disavowed|verified|confirmed|cancelled)$/;
const ids = (details: object) => Object.keys(details).filter((name) => /^\w+Id$/.test(name)).length;

interface Flow {
  name: string;
  /** Gives the steps to be recorded; what it does itself is not. */
  prepare: (server: TestApp) => Promise<() => Promise<unknown>>;
  events: string[];
}

const mailed = (template: string) => [`mail_queued (${template})`, `mail_handed_over (${template})`];

const FLOWS: Flow[] = [
  {
    name: 'a registration, from the form to the first sign-in',
    prepare: (server) => {
      const [email, registrations] = [Registrations.someAddress(), new Registrations(server)];
      return Promise.resolve(async () => {
        await registrations.register(email).expect(202);
        const token = verifyTokenIn((await server.mails.next(email)).text);
        await server.http.get(`/verify_email/${token}`).expect(200);
        await registrations.verify(token, 'a wrong password').expect(403);
        await registrations.verify(token).expect(204);
        await server.login(email, PASSWORD).expect(200);
        await registrations.verify(token).expect(204);
        await registrations.verify(token, 'another password').expect(410);
      });
    },
    events: [
      'registration_requested',
      'registration_mailed',
      ...mailed('verify-email'),
      'registration_opened',
      'registration_verified: WRONG_PASSWORD',
      'registration_verified',
      'login',
      'session_started',
      'registration_verified',
      'registration_verified: LINK_USED',
    ],
  },
  {
    name: 'a registration with the address of somebody',
    prepare: async (server) => {
      const { email } = await server.createUser();
      return () => new Registrations(server).register(email).expect(202);
    },
    events: ['registration_requested', 'registration_mailed', ...mailed('registration-notice')],
  },
  {
    name: 'sign-ins, right and wrong, and a sign-out',
    prepare: async (server) => {
      const { email } = await server.createUser();
      return async () => {
        await server.login(email, 'a wrong password').expect(401);
        await server.login(`${randomUUID()}@example.com`, PASSWORD).expect(401);
        const session = await server.login(email, PASSWORD).expect(200);
        const { accessToken } = session.body as { accessToken: string };
        await server.http.post('/api/auth/logout').set('Authorization', `Bearer ${accessToken}`).expect(204);
      };
    },
    events: ['login: wrong_password', 'login: unknown_address', 'login', 'session_started', 'session_ended'],
  },
  {
    name: 'a recovery, from the ask to the new password',
    prepare: async (server) => {
      const user = await server.createUser();
      await server.accessTokenFor(user);
      return async () => {
        const token = await server.tokenFor(user);
        await server.look(token).expect(200);
        await server.confirm(token, NEW_PASSWORD).expect(204);
        await server.look(token).expect(410);
        await server.confirm(token, NEW_PASSWORD).expect(204);
        await server.confirm(token, 'another long password').expect(410);
        await server.mails.next(user.email, 1);
      };
    },
    events: [
      'password_reset_requested',
      'password_reset_mailed',
      ...mailed('reset-password'),
      'password_reset_opened',
      'session_ended',
      'password_reset_completed',
      ...mailed('password-changed'),
      'password_reset_opened: RESET_TOKEN_USED',
      'password_reset_completed',
      'password_reset_completed: RESET_TOKEN_USED',
    ],
  },
  {
    name: 'a recovery by pages, with a typing error',
    prepare: async (server) => {
      const [user, visitor] = [await server.createUser(), new PageVisitor(server)];
      return async () => {
        await visitor.fill('/reset_password_request', { email: user.email });
        const link = `/reset_password/${tokenIn((await server.mails.next(user.email)).text)}`;
        await server.idle();
        await visitor.open(link);
        await visitor.submit(link, { password: 'short', password2: 'short' });
        await visitor.submit(link, { password: NEW_PASSWORD, password2: NEW_PASSWORD });
        await visitor.open(link);
      };
    },
    events: [
      'password_reset_requested',
      'password_reset_mailed',
      ...mailed('reset-password'),
      'password_reset_opened',
      'password_reset_completed: PASSWORD_REJECTED',
      'password_reset_completed',
      ...mailed('password-changed'),
      'password_reset_opened: RESET_TOKEN_USED',
    ],
  },
  {
    name: 'a registration that is confirmed by page, with a typing error',
    prepare: (server) => {
      const [email, visitor] = [Registrations.someAddress(), new PageVisitor(server)];
      return Promise.resolve(async () => {
        await visitor.fill('/register', {
          email,
          username: 'Susan',
          password: PASSWORD,
          password2: PASSWORD,
        });
        const link = `/verify_email/${verifyTokenIn((await server.mails.next(email)).text)}`;
        await visitor.open(link);
        for (const password of ['a wrong password', PASSWORD]) await visitor.submit(link, { password });
        await visitor.open(link);
      });
    },
    events: [
      'registration_requested',
      'registration_mailed',
      ...mailed('verify-email'),
      'registration_opened',
      'registration_verified: WRONG_PASSWORD',
      'registration_verified',
      'registration_opened: LINK_USED',
    ],
  },
  {
    name: 'a request for nobody, and tokens that are none, about no account',
    prepare: (server) =>
      Promise.resolve(async () => {
        await server.ask(`${randomUUID()}@example.com`).expect(202);
        await server.look('none').expect(400);
        await server.confirm('none', NEW_PASSWORD).expect(400);
        await server.disavow('none').expect(400);
        await new Registrations(server).verify('none').expect(400);
        await new Account(server).confirmEmail('none').expect(400);
        await new Account(server).cancelEmail('none').expect(400);
        for (const page of ['reset_password', 'not_me', 'verify_email', 'confirm_email', 'cancel_email'])
          await server.http.get(`/${page}/none`).expect(303);
      }),
    events: [
      'password_reset_requested',
      'password_reset_mailed: unknown_address',
      ...Array<string>(3).fill('link_refused: RESET_TOKEN_INVALID'),
      ...Array<string>(8).fill('link_refused: LINK_INVALID'),
    ],
  },
  {
    name: '"this was not me"',
    prepare: async (server) => {
      const user = await server.createUser();
      await server.accessTokenFor(user);
      await server.ask(user.email).expect(202);
      const notMe = notMeTokenIn((await server.mails.next(user.email)).text);
      return async () => {
        await server.disavow(notMe).expect(204);
        server.clock.advance(8 * 86_400);
        await server.disavow(notMe).expect(410);
        server.clock.advance(-8 * 86_400);
      };
    },
    events: ['session_ended', 'password_reset_disavowed', 'password_reset_disavowed: LINK_EXPIRED'],
  },
  {
    name: 'a change of password',
    prepare: async (server) => {
      const user = await server.createUser();
      const [session, account] = [await server.accessTokenFor(user), new Account(server)];
      return async () => {
        await account.changePassword(session, NEW_PASSWORD, 'a wrong password').expect(403);
        await account.changePassword(session, NEW_PASSWORD).expect(200);
      };
    },
    events: [
      'login: wrong_password',
      'session_ended',
      'password_changed',
      'session_started',
      ...mailed('password-changed'),
    ],
  },
  {
    name: 'a change of address that is confirmed',
    prepare: async (server) => {
      const user = await server.createUser();
      const [session, account] = [await server.accessTokenFor(user), new Account(server)];
      const email = `new-${randomUUID()}@example.com`;
      return async () => {
        await account.changeEmail(session, email).expect(202);
        const token = tokenOf('confirm_email', (await server.mails.next(email)).text);
        await server.http.get(`/confirm_email/${token}`).expect(200);
        await account.confirmEmail(token).expect(204);
      };
    },
    events: [
      'email_change_requested',
      ...mailed('email-change-started'),
      'email_change_mailed',
      ...mailed('confirm-email'),
      'email_change_opened',
      'session_ended',
      'email_change_confirmed',
      ...mailed('email-changed'),
      ...mailed('email-changed'),
    ],
  },
  {
    name: 'a change of address that has to wait',
    prepare: async (server) => {
      const [user, account] = [await server.createUser(), new Account(server)];
      const email = `new-${randomUUID()}@example.com`;
      await server.confirm(await server.tokenFor(user), NEW_PASSWORD).expect(204);
      const session = await server.accessTokenFor(user, NEW_PASSWORD);
      await account.changeEmail(session, email, NEW_PASSWORD).expect(202);
      const token = tokenOf('confirm_email', (await server.mails.next(email)).text);
      await server.idle();
      // What earlier specs on this database have left waiting would take effect with it.
      await server.database.query('DELETE FROM latchkey.email_changes WHERE effective_at IS NOT NULL');
      return async () => {
        await account.confirmEmail(token, NEW_PASSWORD).expect(202);
        await server.idle();
        server.clock.advance(86_460);
        const moves = server.app.get(EmailChangeMoves);
        await Promise.all(Array.from({ length: 5 }, () => moves.moveDue()));
        server.clock.advance(-86_460);
      };
    },
    events: [
      'email_change_held',
      ...mailed('email-change-held'),
      'session_ended',
      'email_change_confirmed',
      ...mailed('email-changed'),
      ...mailed('email-changed'),
    ],
  },
  {
    name: 'a change of address that is stopped',
    prepare: async (server) => {
      const user = await server.createUser();
      const account = new Account(server);
      const { cancel, confirm } = await account.emailChangeTokens(user, `new-${randomUUID()}@example.com`);
      return async () => {
        await server.http.get(`/cancel_email/${cancel}`).expect(200);
        await account.cancelEmail(cancel).expect(204);
        await account.cancelEmail(cancel).expect(204);
        await account.confirmEmail(confirm).expect(410);
        await server.http.get(`/confirm_email/${confirm}`).expect(303);
      };
    },
    events: [
      'email_change_opened',
      'session_ended',
      'email_change_cancelled',
      'email_change_cancelled',
      'email_change_confirmed: LINK_USED',
      'email_change_opened: LINK_USED',
    ],
  },
  {
    name: 'a change of address that the former address undoes',
    prepare: async (server) => {
      const [user, account] = [await server.createUser(), new Account(server)];
      const { confirm } = await account.emailChangeTokens(user, `new-${randomUUID()}@example.com`);
      await account.confirmEmail(confirm).expect(204);
      await server.idle();
      const token = await server.tokenFor(user);
      return () => server.confirm(token, NEW_PASSWORD).expect(204);
    },
    events: [
      'email_change_undone',
      'password_reset_completed',
      ...mailed('email-changed'),
      ...mailed('password-changed'),
    ],
  },
  {
    name: 'an account that is disabled, and enabled again',
    prepare: async (server) => {
      const [user, users] = [await server.createUser(), server.app.get(UsersService)];
      await server.accessTokenFor(user);
      return async () => {
        expect(await users.disable(user.id)).toBe(true);
        await server.login(user.email, PASSWORD).expect(401);
        expect(await users.enable(user.id)).toBe(true);
        // Neither is an act where there is nothing to do.
        expect(await users.enable(user.id)).toBe(false);
        expect(await users.disable(randomUUID())).toBe(false);
      };
    },
    events: ['session_ended', 'account_disabled', 'login: account_disabled', 'account_enabled'],
  },
  {
    name: 'a form that is not ours',
    prepare: (server) =>
      Promise.resolve(() =>
        server.http.post('/login').type('form').send({ email: 'susan@example.com', password: 'x' }),
      ),
    events: ['form_refused: token'],
  },
  {
    name: 'access tokens that are none, a session of somebody else, and a request that no client of ours sends',
    prepare: async (server) => {
      const owner = await server.accessTokenFor(await server.createUser());
      const { body } = await server.sessionsOf(owner).expect(200);
      const { id } = (body as { sessions: { id: string }[] }).sessions[0]!;
      const stranger = await server.accessTokenFor(await server.createUser());
      return async () => {
        await server.me(`${owner}x`).expect(401);
        await server.endSession(stranger, id).expect(404);
        await server.endSession(stranger, randomUUID()).expect(404);
        await server.http.post('/api/auth/login').send({ email: 1 }).expect(400);
      };
    },
    events: [
      'access_refused: UNAUTHENTICATED',
      'access_refused: session_of_another',
      'request_refused: VALIDATION_FAILED',
    ],
  },
];

describe('every act is recorded once', () => {
  let server: TestApp;

  beforeAll(async () => {
    server = await TestApp.start();
  });
  afterAll(() => server.stop());

  it.each(FLOWS)('$name', async ({ name, prepare, events }) => {
    const happened = await eventsOf(server, await prepare(server));
    expect(happened.map(tell).sort()).toEqual([...events].sort());
    expect(JSON.stringify(happened)).not.toMatch(/[\w-]{2,}@|battery|eyJ/);
    for (const { act, source } of happened)
      // What has waited takes effect by itself.
      if (BY_CLIENTS.test(act) && !(act === 'email_change_confirmed' && /wait/.test(name)))
        expect([act, source]).toEqual([act, '127.0.0.1']);
    for (const { act, outcome, userId, details } of happened)
      if (WITH_A_LINK.test(act))
        expect([act, outcome, userId, ids(details)]).toEqual([act, outcome, expect.any(String), 1]);
  });

  it('a flood from one source', async () => {
    const limited = await TestApp.start({ settings: { limitPerMinute: 5, trustProxy: 1 } });
    const source = `10.${randomInt(256)}.${randomInt(256)}.${randomInt(256)}`;
    const asks = await eventsOf(limited, async () => {
      for (let n = 0; n < 9; n++)
        await limited.ask(`${randomUUID()}@example.com`).set('X-Forwarded-For', source);
    });
    expect(asks.filter(({ act }) => act === 'limit_exceeded').map(tell)).toEqual([
      'limit_exceeded: source-password-reset',
    ]);
    expect(asks.filter(({ act }) => act === 'password_reset_requested')).toHaveLength(5);
    await limited.stop();
  });

  it('and there is no act without a flow', () => {
    const acts = FLOWS.flatMap(({ events }) => events.map((event) => /^\w+/.exec(event)![0]));
    // What becomes of mails that a mail server does not take is in delivery.e2e-spec.ts.
    const ofFaults = SECURITY_ACTS.filter((act) => act.startsWith('mail_'));
    expect(new Set([...acts, 'limit_exceeded', ...ofFaults])).toEqual(new Set(SECURITY_ACTS));
  });
});

describe('one id joins what belongs together', () => {
  let server: TestApp;

  beforeAll(async () => {
    server = await TestApp.start();
  });
  afterAll(() => server.stop());

  it('the ask, its job, its mail, and the message at the mail server', async () => {
    const user = await server.createUser();
    const events = await eventsOf(server, () => server.tokenFor(user));
    expect(events.map(({ act }) => act).sort()).toEqual(
      ['mail_handed_over', 'mail_queued', 'password_reset_mailed', 'password_reset_requested'].sort(),
    );
    const [ask] = events;
    expect(new Set(events.map(({ requestId }) => requestId))).toEqual(new Set([ask!.requestId]));
    const { details } = events.find(({ act }) => act === 'mail_handed_over')!;
    const [mail] = server.mails.to(user.email);
    expect(mail!.source).toMatch(new RegExp(`^Message-ID: <${details['mailId']}@`, 'mi'));
  });

  it('the confirmation, the sessions it ends, and the notice that is sent much later', async () => {
    const user = await server.createUser();
    await server.accessTokenFor(user);
    const token = await server.tokenFor(user);
    const events = await eventsOf(server, () => server.confirm(token, NEW_PASSWORD).expect(204));
    expect(events.map(({ act }) => act).sort()).toEqual([
      'mail_handed_over',
      'mail_queued',
      'password_reset_completed',
      'session_ended',
    ]);
    expect(new Set(events.map(({ requestId }) => requestId)).size).toBe(1);
  });

  it('an error answer and its event', async () => {
    const user = await server.createUser();
    let requestId = '';
    const events = await eventsOf(server, async () => {
      const { body } = await server.login(user.email, 'a wrong password').expect(401);
      ({ requestId } = body as { requestId: string });
    });
    expect(events).toMatchObject([{ requestId, act: 'login', outcome: 'failure', userId: user.id }]);
    expect(events).toMatchObject([{ source: '127.0.0.1', details: { reason: 'wrong_password' } }]);
  });

  it('the account leads to the ask that did not know whose it was', async () => {
    const user = await server.createUser();
    await server.tokenFor(user);
    await server.idle();
    await server.app.get(AuditRecorder).flush();
    const events = await server.app.get(AuditTrail).find({ userId: user.id, limit: 10 });
    expect(events.map(({ act }) => act)).toContain('password_reset_requested');
    expect(events.find(({ act }) => act === 'password_reset_requested')?.userId).toBeUndefined();
  });
});
