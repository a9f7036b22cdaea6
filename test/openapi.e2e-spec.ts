import Ajv2020 from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import type { Response, Test } from 'supertest';
import { AuthService } from '../src/auth';
import { PasswordResetService } from '../src/password-reset';
import { User, UsersOptions } from '../src/users';
import { AdapterName, PASSWORD, TestApp } from './support/test-app';

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
        for (const answer of Object.values(operation.responses))
          expect(answer.description).toMatch(/^[A-Z].*\.$/);
      }
    });

    it('which says where an access token is needed', () => {
      const closed = operations().filter(({ operation }) => operation.security);
      expect(closed.map(({ path }) => path).sort()).toEqual(['/api/auth/logout', '/api/users/me']);
      expect(closed.map(({ operation }) => operation.security)).toEqual([[{ bearer: [] }], [{ bearer: [] }]]);
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
      'get /api/users/me',
      'get /health/live',
      'get /health/ready',
      'post /api/auth/login',
      'post /api/auth/logout',
      'post /api/password-reset',
      'post /api/password-reset/confirm',
      'post /api/password-reset/verify',
    ]);
  });

  describe('tells what really happens', () => {
    let user: User;
    let link: string;
    let session: string;
    /** A server of the same data that has no time for passwords. */
    let busy: TestApp;

    beforeAll(async () => {
      user = await server.createUser();
      link = await server.tokenFor(user);
      session = await server.accessTokenFor(user);
      busy = await TestApp.start({
        override: (builder) =>
          builder
            .overrideProvider(UsersOptions)
            .useValue(Object.assign(new UsersOptions(), { hashQueueLimit: 0 })),
      });
    });
    afterAll(() => busy.stop());

    const send = (path: string, body: string | object | undefined, type = 'application/json') =>
      server.http.post(path).set('Content-Type', type).send(body);
    const bearer = (request: Test, token = session) => request.set('Authorization', `Bearer ${token}`);
    const tooLarge = JSON.stringify({ email: 'x'.repeat(64 * 1024) });
    const failing = <T extends object>(service: T, method: keyof T & string) => {
      jest.spyOn(service, method as never).mockRejectedValue(new Error('a fault') as never);
    };

    /** Routes that read a body answer alike to what is no body of theirs. */
    const unreadable = (path: string): [string, number, string, () => PromiseLike<Response>][] => [
      [`post ${path}`, 400, 'BAD_REQUEST', () => send(path, '{')],
      [`post ${path}`, 413, 'PAYLOAD_TOO_LARGE', () => send(path, tooLarge)],
      [
        `post ${path}`,
        415,
        'UNSUPPORTED_MEDIA_TYPE',
        () => send(path, 'a=b', 'application/x-www-form-urlencoded'),
      ],
    ];

    const ASK = '/api/password-reset';
    const LOOK = '/api/password-reset/verify';
    const CONFIRM = '/api/password-reset/confirm';
    const LOGIN = '/api/auth/login';

    const ANSWERS: [route: string, status: number, code: string, provoke: () => PromiseLike<Response>][] = [
      ...[ASK, LOOK, CONFIRM, LOGIN].flatMap(unreadable),
      [`post ${ASK}`, 202, '', () => server.ask(user.email)],
      [`post ${ASK}`, 400, 'VALIDATION_FAILED', () => server.ask('susan')],
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
      [`post ${LOOK}`, 400, 'VALIDATION_FAILED', () => send(LOOK, { token: 1 })],
      [`post ${LOOK}`, 410, 'RESET_TOKEN_EXPIRED', () => later((token) => server.look(token))],
      [`post ${LOOK}`, 410, 'RESET_TOKEN_USED', () => used((token) => server.look(token))],
      [
        `post ${LOOK}`,
        500,
        'INTERNAL_ERROR',
        () => {
          failing(server.app.get(PasswordResetService), 'verify');
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
      [
        `post ${CONFIRM}`,
        400,
        'VALIDATION_FAILED',
        () => send(CONFIRM, { token: link, password: NEW_PASSWORD, passwordConfirmation: 'another' }),
      ],
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
        () => used((token) => server.confirm(token, NEW_PASSWORD)),
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
      [`post ${LOGIN}`, 200, '', () => server.login(user.email, PASSWORD)],
      [`post ${LOGIN}`, 400, 'VALIDATION_FAILED', () => server.login('susan', PASSWORD)],
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
      for (const [name, header] of Object.entries(headers))
        expect(answer.headers[name.toLowerCase()]).toBe(header.schema.example);
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
      for (const { path, operation } of operations()) {
        const reference = operation.requestBody?.content['application/json']!.schema.$ref;
        if (!reference) continue;
        const schema = description.components.schemas[reference.split('/').at(-1)!]!;
        const fields = Object.entries(schema.properties!);
        const example: Record<string, unknown> = Object.fromEntries(
          fields.map(([name, { example }]) => [name, example]),
        );
        expect((await send(path, example)).body.code).not.toBe('VALIDATION_FAILED');
        for (const field of schema.required!) {
          const { [field]: _, ...others } = example;
          expect((await send(path, others)).body).toMatchObject({
            code: 'VALIDATION_FAILED',
            errors: [{ field }],
          });
        }
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
    const server = await TestApp.start({ adapter, settings: { apiDocs: false } });
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
