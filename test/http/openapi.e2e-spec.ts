import Ajv2020 from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import type { Response, Test } from 'supertest';
import { EmailChangeService, PasswordChangeService } from '../../src/account';
import { AuthService } from '../../src/auth';
import { DisavowalService, PasswordResetService } from '../../src/password-reset';
import { RegistrationService } from '../../src/registration';
import { User, UsersOptions } from '../../src/users';
import { Account, tokenOf } from '../support/account';
import { readJwt } from '../support/jwt';
import { AdapterName, notMeTokenIn, PASSWORD, TestApp } from '../support/test-app';
import { Registrations, verifyTokenIn } from '../support/registrations';

interface Schema {
  $ref?: string;
  type?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  additionalProperties?: boolean;
  example?: unknown;
}

interface Content {
  schema: Schema;
  examples?: Record<string, { value: object }>;
}

interface DescribedAnswer {
  description: string;
  headers?: Record<string, { schema: Schema }>;
  content?: Record<string, Content>;
}

interface Operation {
  operationId: string;
  security?: object[];
  requestBody?: { content: Record<string, Content> };
  responses: Record<string, DescribedAnswer>;
}

interface Description {
  openapi: string;
  info: object;
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema>; securitySchemes: object };
}

const PROBLEM = 'application/problem+json';
const NEW_PASSWORD = 'staple battery horse correct';
/** The longest that a link lives, with its minute of grace. */
const WEEK = 7 * 86_400 + 60;

/** Every object in a document. */
function* objectsIn(node: unknown): Generator<Schema> {
  if (typeof node !== 'object' || node === null) return;
  yield node;
  for (const value of Object.values(node)) yield* objectsIn(value);
}

/** The description with schemas that allow nothing beside what they name. */
function strict(description: Description): Description {
  const copy = structuredClone(description);
  for (const schema of objectsIn(copy))
    if (schema.type === 'object' && schema.properties) schema.additionalProperties = false;
  return copy;
}

const pointerTo = (...keys: (string | number)[]) =>
  keys
    .map((key) => `/${encodeURIComponent(String(key).replaceAll('~', '~0').replaceAll('/', '~1'))}`)
    .join('');

describe('the description of the API', () => {
  let server: TestApp;
  let description: Description;
  let ajv: Ajv2020;

  beforeAll(async () => {
    server = await TestApp.start();
    const answer = await server.http.get('/api/openapi.json').expect(200);
    expect(answer.type).toBe('application/json');
    description = answer.body;
    ajv = new Ajv2020({ strict: false, allErrors: true });
    addFormats(ajv);
    ajv.addSchema(strict(description), 'openapi');
  });
  afterAll(() => server.stop());
  afterEach(() => jest.restoreAllMocks());

  const operations = () =>
    Object.entries(description.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({
        path,
        method,
        operation,
      })),
    );

  describe('is a good OpenAPI document', () => {
    it('of version 3.1, without words of 3.0', () => {
      expect(description.openapi).toMatch(/^3\.1\.\d$/);
      expect(description.info).toMatchObject({ title: 'Latchkey', version: expect.stringMatching(/./) });
      const old = [...objectsIn(description)].filter((object) => 'nullable' in object);
      expect(old).toEqual([]);
    });

    it('whose references lead somewhere', () => {
      const references = [...objectsIn(description)].flatMap(({ $ref }) => $ref ?? []);
      expect(references.length).toBeGreaterThan(10);
      for (const reference of references)
        expect(() => ajv.compile({ $ref: `openapi${reference}` })).not.toThrow();
    });

    it('whose schemas are JSON schemas of 2020-12, with an example for each property', () => {
      for (const [name, schema] of Object.entries(description.components.schemas)) {
        expect([name, ajv.validateSchema(schema)]).toEqual([name, true]);
        for (const [property, { items, example }] of Object.entries(schema.properties!)) {
          if (items) continue;
          const valid = ajv.validate(
            { $ref: `openapi#${pointerTo('components', 'schemas', name, 'properties', property)}` },
            example,
          );
          expect([name, property, example !== undefined && valid]).toEqual([name, property, true]);
        }
      }
    });

    it('whose operations have a name of their own, a summary, and answers that are explained', () => {
      const ids = operations().map(({ operation }) => operation.operationId);
      expect(new Set(ids).size).toBe(ids.length);
      for (const { operation } of operations()) {
        expect(operation).toMatchObject({
          summary: expect.stringMatching(/^[A-Z]/),
          tags: [expect.any(String)],
        });
        for (const { description } of Object.values(operation.responses))
          for (const paragraph of description.split('\n\n')) expect(paragraph).toMatch(/^[A-Z].*\.$/);
      }
    });

    it('which says where an access token is needed', () => {
      // Where a password does in place of a token, the route is open to those who have none.
      const closed = operations().filter(
        ({ operation: { security } }) => security && !security.some((way) => Object.keys(way).length === 0),
      );
      expect(closed.map(({ path }) => path).sort()).toEqual([
        '/api/auth/logout',
        '/api/sessions',
        '/api/sessions/{id}',
        '/api/users/me',
        '/api/users/me/email',
        '/api/users/me/password',
      ]);
      for (const { operation } of closed) expect(operation.security).toEqual([{ bearer: [] }]);
      expect(description.components.securitySchemes).toEqual({
        bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
      });
    });
  });

  it('names the routes for programs, and no other', () => {
    expect(
      operations()
        .map(({ path, method }) => `${method} ${path}`)
        .sort(),
    ).toEqual([
      'delete /api/sessions/{id}',
      'get /api/sessions',
      'get /api/users/me',
      'get /health/live',
      'get /health/ready',
      'post /api/auth/login',
      'post /api/auth/logout',
      'post /api/email-change/cancel',
      'post /api/email-change/confirm',
      'post /api/password-reset',
      'post /api/password-reset/confirm',
      'post /api/password-reset/disavow',
      'post /api/password-reset/verify',
      'post /api/users',
      'post /api/users/me/email',
      'post /api/users/me/password',
      'post /api/users/verify',
    ]);
  });

  describe('tells what really happens', () => {
    let user: User;
    let link: string;
    let notMe: string;
    let registrations: Registrations;
    let session: string;
    /** A server of the same data that has no time for passwords. */
    let busy: TestApp;
    /** One that lets through one request in a minute, and one that cannot count them. */
    let full: TestApp;
    let cut: TestApp;
    /** One that lets nobody be wrong about a password twice. */
    let account: Account;

    beforeAll(async () => {
      // They must not take the jobs of the one whose mails are read.
      const web = { role: 'web' } as const;
      full = await TestApp.start({ settings: { ...web, limitPerMinute: 1 } });
      await full.forgetCounters();
      cut = await TestApp.start({
        settings: { ...web, limitPerMinute: 20, redisUrl: 'redis://127.0.0.1:1' },
      });
      registrations = new Registrations(server);
      account = new Account(server);
      user = await server.createUser();
      link = await server.tokenFor(user);
      notMe = notMeTokenIn(server.mails.to(user.email)[0]!.text);
      session = await server.accessTokenFor(user);
      busy = await TestApp.start({
        settings: web,
        override: (builder) =>
          builder
            .overrideProvider(UsersOptions)
            .useValue(Object.assign(new UsersOptions(), { hashQueueLimit: 0 })),
      });
    });
    afterAll(async () => {
      for (const app of [busy, full, cut]) await app.stop();
    });

    const send = (path: string, body: string | object | undefined, type = 'application/json') =>
      server.http.post(path).set('Content-Type', type).send(body);
    const bearer = (request: Test, token = session) => request.set('Authorization', `Bearer ${token}`);
    const tooLarge = JSON.stringify({ email: 'x'.repeat(64 * 1024) });
    const failing = <T extends object>(service: T, method: keyof T & string) => {
      jest.spyOn(service, method as never).mockRejectedValue(new Error('a fault') as never);
    };

    /** Routes that read a body answer alike to what is no body of theirs. */
    const unreadable = (
      path: string,
      authorized: (request: Test) => Test = (request) => request,
    ): [string, number, string, () => PromiseLike<Response>][] => [
      [`post ${path}`, 400, 'BAD_REQUEST', () => send(path, '{')],
      [`post ${path}`, 413, 'PAYLOAD_TOO_LARGE', () => send(path, tooLarge)],
      [
        `post ${path}`,
        415,
        'UNSUPPORTED_MEDIA_TYPE',
        () => authorized(send(path, 'a=b', 'application/x-www-form-urlencoded')),
      ],
    ];

    /** The schema of the body of a route. */
    const bodyOf = ({ requestBody }: Operation): Schema | undefined => {
      const reference = requestBody?.content['application/json']!.schema.$ref;
      return reference === undefined
        ? undefined
        : description.components.schemas[reference.split('/').at(-1)!]!;
    };

    /** Sends a body in which every field is wrong. */
    const sendWrong = (path: string, authorized: (request: Test) => Test = (request) => request) => {
      const fields = Object.keys(bodyOf(description.paths[path]!['post']!)!.properties!);
      return authorized(send(path, Object.fromEntries(fields.map((field, n) => [field, n]))));
    };

    /** Routes that are limited for each source look at nothing else before. */
    const limited = (path: string): [string, number, string, () => PromiseLike<Response>][] => [
      [
        `post ${path}`,
        429,
        'RATE_LIMITED',
        async () => {
          await full.http.post(path).send({});
          return full.http.post(path).send({});
        },
      ],
      [`post ${path}`, 503, 'UNAVAILABLE', () => cut.http.post(path).send({})],
    ];

    const ASK = '/api/password-reset';
    const LOOK = '/api/password-reset/verify';
    const CONFIRM = '/api/password-reset/confirm';
    const DISAVOW = '/api/password-reset/disavow';
    const LOGIN = '/api/auth/login';
    const REGISTER = '/api/users';
    const VERIFY = '/api/users/verify';
    const SESSIONS = '/api/sessions';
    const SESSION = '/api/sessions/{id}';
    const CHANGE_PASSWORD = '/api/users/me/password';
    const CHANGE_EMAIL = '/api/users/me/email';
    const CONFIRM_EMAIL = '/api/email-change/confirm';
    const CANCEL_EMAIL = '/api/email-change/cancel';

    /** Acts that ask for the password of who is signed in. */
    const reauthenticated = (
      path: string,
      act: (account: Account, password?: string) => Test,
    ): [string, number, string, () => PromiseLike<Response>][] => [
      [`post ${path}`, 401, 'UNAUTHENTICATED', () => send(path, {})],
      [`post ${path}`, 403, 'WRONG_PASSWORD', () => act(account, 'wrong')],
      [
        `post ${path}`,
        429,
        'RATE_LIMITED',
        async () => {
          await act(new Account(full), 'wrong');
          return act(new Account(full), 'wrong');
        },
      ],
      [`post ${path}`, 503, 'OVERLOADED', () => act(new Account(busy))],
      [`post ${path}`, 503, 'UNAVAILABLE', () => act(new Account(cut))],
    ];

    const changePassword = (account: Account, password?: string) =>
      account.changePassword(session, NEW_PASSWORD, password);
    const changeEmail = (account: Account, password?: string) =>
      account.changeEmail(session, Registrations.someAddress(), password);

    /** The two links of a change of address. */
    const emailLink = (
      path: string,
      kind: 'confirm' | 'cancel',
      use: (token: string) => Test,
    ): [string, number, string, () => PromiseLike<Response>][] => [
      [`post ${path}`, 204, '', async () => use((await anotherEmailChange())[kind])],
      [`post ${path}`, 400, 'LINK_INVALID', () => use('x')],
      [`post ${path}`, 400, 'VALIDATION_FAILED', () => sendWrong(path)],
      [
        `post ${path}`,
        410,
        'LINK_EXPIRED',
        async () => {
          const token = (await anotherEmailChange())[kind];
          server.clock.advance(WEEK);
          const answer = await use(token);
          server.clock.advance(-WEEK);
          return answer;
        },
      ],
      [
        `post ${path}`,
        500,
        'INTERNAL_ERROR',
        () => {
          failing(server.app.get(EmailChangeService), kind);
          return use('x');
        },
      ],
    ];

    const ANSWERS: [route: string, status: number, code: string, provoke: () => PromiseLike<Response>][] = [
      ...[ASK, LOOK, CONFIRM, DISAVOW, LOGIN, REGISTER, VERIFY, CONFIRM_EMAIL, CANCEL_EMAIL].flatMap((path) =>
        unreadable(path),
      ),
      ...[ASK, LOOK, CONFIRM, DISAVOW, LOGIN, REGISTER, VERIFY, CONFIRM_EMAIL, CANCEL_EMAIL].flatMap(limited),
      ...[CHANGE_PASSWORD, CHANGE_EMAIL].flatMap((path) => unreadable(path, (request) => bearer(request))),
      ...reauthenticated(CHANGE_PASSWORD, changePassword),
      ...reauthenticated(CHANGE_EMAIL, changeEmail),
      ...emailLink(CONFIRM_EMAIL, 'confirm', (token) => account.confirmEmail(token)),
      ...emailLink(CANCEL_EMAIL, 'cancel', (token) => account.cancelEmail(token)),
      [
        `post ${CONFIRM_EMAIL}`,
        202,
        '',
        async () => account.confirmEmail(await heldEmailChange(), NEW_PASSWORD),
      ],
      [
        `post ${CONFIRM_EMAIL}`,
        401,
        'PASSWORD_REQUIRED',
        async () => send(CONFIRM_EMAIL, { token: (await anotherEmailChange()).confirm }),
      ],
      [
        `post ${CONFIRM_EMAIL}`,
        403,
        'WRONG_PASSWORD',
        async () => account.confirmEmail((await anotherEmailChange()).confirm, 'wrong'),
      ],
      [
        `post ${CONFIRM_EMAIL}`,
        410,
        'LINK_USED',
        async () => {
          const { confirm, cancel } = await anotherEmailChange();
          await account.cancelEmail(cancel).expect(204);
          return account.confirmEmail(confirm);
        },
      ],
      [
        `post ${CONFIRM_EMAIL}`,
        503,
        'OVERLOADED',
        async () => new Account(busy).confirmEmail((await anotherEmailChange()).confirm),
      ],
      [
        `post ${CANCEL_EMAIL}`,
        410,
        'ADDRESS_MOVED',
        async () => {
          const { confirm, cancel } = await anotherEmailChange();
          await account.confirmEmail(confirm).expect(204);
          return account.cancelEmail(cancel);
        },
      ],
      [
        `post ${DISAVOW}`,
        410,
        'ADDRESS_MOVED',
        async () => {
          const another = await server.createUser();
          await server.tokenFor(another);
          const notMe = notMeTokenIn(server.mails.to(another.email)[0]!.text);
          const { confirm } = await account.emailChangeTokens(another, Registrations.someAddress());
          await account.confirmEmail(confirm).expect(204);
          return server.disavow(notMe);
        },
      ],
      [
        `post ${CHANGE_PASSWORD}`,
        200,
        '',
        async () =>
          account.changePassword(await server.accessTokenFor(await server.createUser()), NEW_PASSWORD),
      ],
      [
        `post ${CHANGE_PASSWORD}`,
        400,
        'VALIDATION_FAILED',
        () => sendWrong(CHANGE_PASSWORD, (request) => bearer(request)),
      ],
      [
        `post ${CHANGE_PASSWORD}`,
        422,
        'PASSWORD_REJECTED',
        () => account.changePassword(session, 'too short'),
      ],
      [
        `post ${CHANGE_PASSWORD}`,
        500,
        'INTERNAL_ERROR',
        () => {
          failing(server.app.get(PasswordChangeService), 'change');
          return changePassword(account);
        },
      ],
      [`post ${CHANGE_EMAIL}`, 202, '', () => changeEmail(account)],
      [`post ${CHANGE_EMAIL}`, 400, 'VALIDATION_FAILED', () => account.changeEmail(session, user.email)],
      [
        `post ${CHANGE_EMAIL}`,
        500,
        'INTERNAL_ERROR',
        () => {
          failing(server.app.get(EmailChangeService), 'request');
          return changeEmail(account);
        },
      ],
      [`post ${ASK}`, 202, '', () => server.ask(user.email)],
      [`post ${ASK}`, 400, 'VALIDATION_FAILED', () => sendWrong(ASK)],
      [
        `post ${ASK}`,
        500,
        'INTERNAL_ERROR',
        () => {
          failing(server.app.get(PasswordResetService), 'request');
          return server.ask(user.email);
        },
      ],
      [`post ${LOOK}`, 200, '', () => server.look(link)],
      [`post ${LOOK}`, 400, 'RESET_TOKEN_INVALID', () => server.look('x')],
      [`post ${LOOK}`, 400, 'VALIDATION_FAILED', () => sendWrong(LOOK)],
      [`post ${LOOK}`, 410, 'RESET_TOKEN_EXPIRED', () => later((token) => server.look(token))],
      [`post ${LOOK}`, 410, 'RESET_TOKEN_USED', () => used((token) => server.look(token))],
      [
        `post ${LOOK}`,
        500,
        'INTERNAL_ERROR',
        () => {
          failing(server.app.get(PasswordResetService), 'inspect');
          return server.look(link);
        },
      ],
      [
        `post ${CONFIRM}`,
        204,
        '',
        async () => server.confirm(await server.tokenFor(await server.createUser()), NEW_PASSWORD),
      ],
      [`post ${CONFIRM}`, 400, 'RESET_TOKEN_INVALID', () => server.confirm('x', NEW_PASSWORD)],
      [`post ${CONFIRM}`, 400, 'VALIDATION_FAILED', () => sendWrong(CONFIRM)],
      [
        `post ${CONFIRM}`,
        410,
        'RESET_TOKEN_EXPIRED',
        () => later((token) => server.confirm(token, NEW_PASSWORD)),
      ],
      [
        `post ${CONFIRM}`,
        410,
        'RESET_TOKEN_USED',
        () => used((token) => server.confirm(token, `${NEW_PASSWORD} 2`)),
      ],
      [`post ${CONFIRM}`, 422, 'PASSWORD_REJECTED', () => server.confirm(link, 'too short')],
      [
        `post ${CONFIRM}`,
        500,
        'INTERNAL_ERROR',
        () => {
          failing(server.app.get(PasswordResetService), 'confirm');
          return server.confirm(link, NEW_PASSWORD);
        },
      ],
      [`post ${CONFIRM}`, 503, 'OVERLOADED', () => busy.confirm(link, NEW_PASSWORD)],
      [`post ${DISAVOW}`, 204, '', async () => server.disavow(await anotherNotMe())],
      [`post ${DISAVOW}`, 400, 'LINK_INVALID', () => server.disavow('x')],
      [`post ${DISAVOW}`, 400, 'VALIDATION_FAILED', () => sendWrong(DISAVOW)],
      [
        `post ${DISAVOW}`,
        410,
        'LINK_EXPIRED',
        async () => {
          const token = await anotherNotMe();
          server.clock.advance(WEEK);
          const answer = await server.disavow(token);
          server.clock.advance(-WEEK);
          return answer;
        },
      ],
      [
        `post ${DISAVOW}`,
        500,
        'INTERNAL_ERROR',
        () => {
          failing(server.app.get(DisavowalService), 'confirm');
          return server.disavow(notMe);
        },
      ],
      [`get ${SESSIONS}`, 200, '', () => server.sessionsOf(session)],
      [`get ${SESSIONS}`, 401, 'UNAUTHENTICATED', () => server.http.get(SESSIONS)],
      [
        `get ${SESSIONS}`,
        415,
        'UNSUPPORTED_MEDIA_TYPE',
        () => server.sessionsOf(session).set('Content-Type', 'text/plain'),
      ],
      [
        `get ${SESSIONS}`,
        500,
        'INTERNAL_ERROR',
        () => {
          failing(server.app.get(AuthService), 'sessionsOf');
          return server.sessionsOf(session);
        },
      ],
      [`delete ${SESSION}`, 204, '', async () => server.endSession(session, await anotherSession())],
      [`delete ${SESSION}`, 401, 'UNAUTHENTICATED', () => server.http.delete(`${SESSIONS}/x`)],
      [`delete ${SESSION}`, 404, 'NOT_FOUND', () => server.endSession(session, 'x')],
      [
        `delete ${SESSION}`,
        400,
        'BAD_REQUEST',
        () =>
          bearer(server.http.delete(`${SESSIONS}/x`))
            .set('Content-Type', 'application/json')
            .send('{'),
      ],
      [`delete ${SESSION}`, 400, 'VALIDATION_FAILED', () => bearer(server.http.delete(`${SESSIONS}/x`))],
      [`delete ${SESSION}`, 403, 'WRONG_PASSWORD', () => server.endSession(session, 'x', 'wrong')],
      [
        `delete ${SESSION}`,
        413,
        'PAYLOAD_TOO_LARGE',
        () =>
          bearer(server.http.delete(`${SESSIONS}/x`))
            .set('Content-Type', 'application/json')
            .send(tooLarge),
      ],
      [
        `delete ${SESSION}`,
        415,
        'UNSUPPORTED_MEDIA_TYPE',
        () => bearer(server.http.delete(`${SESSIONS}/x`)).set('Content-Type', 'text/plain'),
      ],
      [
        `delete ${SESSION}`,
        429,
        'RATE_LIMITED',
        async () => {
          await full.endSession(session, 'x', 'wrong');
          return full.endSession(session, 'x', 'wrong');
        },
      ],
      [`delete ${SESSION}`, 503, 'OVERLOADED', () => busy.endSession(session, 'x')],
      [`delete ${SESSION}`, 503, 'UNAVAILABLE', () => cut.endSession(session, 'x')],
      [
        `delete ${SESSION}`,
        500,
        'INTERNAL_ERROR',
        () => {
          failing(server.app.get(AuthService), 'endOtherSession');
          return server.endSession(session, 'x');
        },
      ],
      [`post ${REGISTER}`, 202, '', () => registrations.register(Registrations.someAddress())],
      [`post ${REGISTER}`, 400, 'VALIDATION_FAILED', () => sendWrong(REGISTER)],
      [
        `post ${REGISTER}`,
        422,
        'PASSWORD_REJECTED',
        () => registrations.register(user.email, { password: 'too short' }),
      ],
      [
        `post ${REGISTER}`,
        500,
        'INTERNAL_ERROR',
        () => {
          failing(server.app.get(RegistrationService), 'request');
          return registrations.register(user.email);
        },
      ],
      [`post ${REGISTER}`, 503, 'OVERLOADED', () => new Registrations(busy).register(user.email)],
      [`post ${VERIFY}`, 204, '', async () => registrations.verify(await anotherRegistration())],
      [`post ${VERIFY}`, 400, 'LINK_INVALID', () => registrations.verify('x')],
      [`post ${VERIFY}`, 400, 'VALIDATION_FAILED', () => sendWrong(VERIFY)],
      [
        `post ${VERIFY}`,
        403,
        'WRONG_PASSWORD',
        async () => registrations.verify(await anotherRegistration(), 'wrong'),
      ],
      [
        `post ${VERIFY}`,
        410,
        'LINK_EXPIRED',
        async () => {
          const token = await anotherRegistration();
          server.clock.advance(WEEK);
          const answer = await registrations.verify(token);
          server.clock.advance(-WEEK);
          return answer;
        },
      ],
      [
        `post ${VERIFY}`,
        410,
        'LINK_USED',
        async () => {
          const token = await anotherRegistration();
          await registrations.verify(token).expect(204);
          return registrations.verify(token, 'another long password');
        },
      ],
      [
        `post ${VERIFY}`,
        500,
        'INTERNAL_ERROR',
        () => {
          failing(server.app.get(RegistrationService), 'confirm');
          return registrations.verify('x');
        },
      ],
      [
        `post ${VERIFY}`,
        503,
        'OVERLOADED',
        async () => new Registrations(busy).verify(await anotherRegistration()),
      ],
      [`post ${LOGIN}`, 200, '', () => server.login(user.email, PASSWORD)],
      [`post ${LOGIN}`, 400, 'VALIDATION_FAILED', () => sendWrong(LOGIN)],
      [`post ${LOGIN}`, 401, 'INVALID_CREDENTIALS', () => server.login(user.email, 'wrong')],
      [
        `post ${LOGIN}`,
        500,
        'INTERNAL_ERROR',
        () => {
          failing(server.app.get(AuthService), 'login');
          return server.login(user.email, PASSWORD);
        },
      ],
      [`post ${LOGIN}`, 503, 'OVERLOADED', () => busy.login(user.email, PASSWORD)],
      [
        'post /api/auth/logout',
        204,
        '',
        async () => bearer(server.http.post('/api/auth/logout'), await server.accessTokenFor(user)),
      ],
      ['post /api/auth/logout', 401, 'UNAUTHENTICATED', () => server.http.post('/api/auth/logout')],
      [
        'post /api/auth/logout',
        415,
        'UNSUPPORTED_MEDIA_TYPE',
        () => bearer(send('/api/auth/logout', 'a=b', 'application/x-www-form-urlencoded')),
      ],
      [
        'post /api/auth/logout',
        500,
        'INTERNAL_ERROR',
        () => {
          failing(server.app.get(AuthService), 'logout');
          return bearer(server.http.post('/api/auth/logout'));
        },
      ],
      ['get /api/users/me', 200, '', () => server.me(session)],
      ['get /api/users/me', 401, 'UNAUTHENTICATED', () => server.http.get('/api/users/me')],
      [
        'get /api/users/me',
        415,
        'UNSUPPORTED_MEDIA_TYPE',
        () => server.me(session).set('Content-Type', 'text/plain'),
      ],
      [
        'get /api/users/me',
        500,
        'INTERNAL_ERROR',
        () => {
          failing(server.app.get(AuthService), 'authenticate');
          return server.me(session);
        },
      ],
      ['get /health/live', 200, '', () => server.http.get('/health/live')],
      ['get /health/ready', 200, '', () => server.http.get('/health/ready')],
      [
        'get /health/ready',
        503,
        'UNAVAILABLE',
        () => {
          failing(server.database, 'query');
          return server.http.get('/health/ready');
        },
      ],
    ];

    /** Without a move of the clock, which would end the session of the other tests. */
    async function anotherRegistration(): Promise<string> {
      const email = Registrations.someAddress();
      await registrations.register(email).expect(202);
      return verifyTokenIn((await server.mails.next(email)).text);
    }

    async function anotherEmailChange(): Promise<{ confirm: string; cancel: string }> {
      return account.emailChangeTokens(await server.createUser(), Registrations.someAddress());
    }

    /** @returns a link to confirm the address of an account whose password was reset a moment ago */
    async function heldEmailChange(): Promise<string> {
      const [another, email] = [await server.createUser(), Registrations.someAddress()];
      await server.confirm(await server.tokenFor(another), NEW_PASSWORD).expect(204);
      const signedIn = await server.accessTokenFor(another, NEW_PASSWORD);
      await account.changeEmail(signedIn, email, NEW_PASSWORD).expect(202);
      return tokenOf('confirm_email', (await server.mails.next(email)).text);
    }

    async function anotherNotMe(): Promise<string> {
      const another = await server.createUser();
      await server.tokenFor(another);
      return notMeTokenIn(server.mails.to(another.email)[0]!.text);
    }

    async function anotherSession(): Promise<string> {
      const { jti } = readJwt(await server.accessTokenFor(user)).claims;
      return String(jti);
    }

    async function later(ask: (token: string) => PromiseLike<Response>): Promise<Response> {
      const token = await server.tokenFor(await server.createUser());
      server.clock.advance(3600);
      const answer = await ask(token);
      server.clock.advance(-3600);
      return answer;
    }

    async function used(ask: (token: string) => PromiseLike<Response>): Promise<Response> {
      const token = await server.tokenFor(await server.createUser());
      await server.confirm(token, NEW_PASSWORD).expect(204);
      return ask(token);
    }

    it.each(ANSWERS)('on %s: %i %s', async (route, status, code, provoke) => {
      const [method, path] = route.split(' ') as [string, string];
      const { headers = {}, content = {} } = description.paths[path]![method]!.responses[status]!;

      const answer = await provoke();
      expect(answer.status).toBe(status);
      for (const [name, header] of Object.entries(headers)) {
        const value = answer.headers[name.toLowerCase()];
        // The seconds that are left; the example of a window is the most of them.
        if (status === 429) expect(Number(value)).toBeLessThanOrEqual(Number(header.schema.example));
        else if (code === 'OVERLOADED') expect(value).toMatch(/^[1-9]\d*$/);
        else expect(value).toBe(header.schema.example);
      }
      if (status === 204) {
        expect(content).toEqual({});
        expect(answer.text).toBe('');
        return;
      }
      expect(Object.keys(content)).toEqual([answer.type]);
      const pointer = pointerTo('paths', path, method, 'responses', status, 'content', answer.type, 'schema');
      const validate = ajv.compile({ $ref: `openapi#${pointer}` });
      expect([validate(answer.body), validate.errors]).toEqual([true, null]);
      if (code) {
        expect(answer.type).toBe(PROBLEM);
        const example = content[PROBLEM]!.examples![code]!.value;
        expect(answer.body).toEqual({ ...example, requestId: answer.body.requestId });
      }
    });

    it('and nothing that does not: each answer that it names is provoked above', () => {
      const named = operations().flatMap(({ path, method, operation }) =>
        Object.entries(operation.responses).flatMap(([status, { content }]) => {
          const codes = Object.keys(content?.[PROBLEM]?.examples ?? { '': {} });
          return codes.map((code) => `${method} ${path}: ${status} ${code}`);
        }),
      );
      const provoked = ANSWERS.map(([route, status, code]) => `${route}: ${status} ${code}`);
      expect(named.sort()).toEqual(provoked.sort());
    });

    it('and takes its own examples of bodies, and nothing less', async () => {
      for (const { path, method, operation } of operations()) {
        const schema = bodyOf(operation);
        if (!schema) continue;
        const fields = Object.entries(schema.properties!);
        const example: Record<string, unknown> = Object.fromEntries(
          fields.map(([name, { example }]) => [name, example]),
        );
        // The token of an example is refused before anything else is inspected.
        const genuine: Record<string, unknown> = path === CONFIRM ? { token: link } : {};
        const token = await server.accessTokenFor(await server.createUser());
        const attempt = (body: object) =>
          bearer(server.http[method as 'post' | 'delete'](path.replace('{id}', 'x')), token).send(body);
        for (const field of schema.required ?? []) {
          const { [field]: _, ...others } = { ...example, ...genuine };
          expect((await attempt(others)).body).toMatchObject({
            code: 'VALIDATION_FAILED',
            // What is to be the same as a missing field is not.
            errors: [{ field }, ...(`${field}Confirmation` in others ? [{ code: 'mismatch' }] : [])],
          });
        }
        expect((await attempt(example)).body.code).not.toBe('VALIDATION_FAILED');
      }
    });
  });

  it('is the same on every adapter', async () => {
    const express = await TestApp.start({ adapter: 'express' });
    try {
      expect((await express.http.get('/api/openapi.json').expect(200)).body).toEqual(description);
    } finally {
      await express.stop();
    }
  });

  it('comes with a page to try it, all of whose parts are our own', async () => {
    const page = await server.http.get('/api/docs').expect(200);
    expect(page.type).toBe('text/html');
    const parts = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, part]) => part!);
    expect(parts).toHaveLength(3);
    for (const part of parts) {
      expect(part).toMatch(/^\/api\/docs\//);
      await server.http.get(part).expect(200);
    }
    expect(page.headers['content-security-policy']).toMatch(/^default-src 'self'/);
  });
});

describe.each<AdapterName>(['fastify', 'express'])('the description of the API, on %s', (adapter) => {
  it('is not served where it is not wanted', async () => {
    const server = await TestApp.start({ adapter, settings: { apiDocs: 'off' } });
    try {
      for (const path of [
        '/api/openapi.json',
        '/api/docs',
        '/api/docs/',
        '/api/docs/start.js',
        '/api/docs/swagger-ui.css',
      ])
        await server.http.get(path).expect(404);
    } finally {
      await server.stop();
    }
  });
});
