import Ajv2020, { ValidateFunction } from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { Agent, IncomingHttpHeaders, request } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { AuthOptions } from '../../src/auth';
import { Canary } from '../support/canaries';
import { readJwt } from '../support/jwt';
import { sampleSize } from '../support/sample-size';
import { TestApp } from '../support/test-app';
import { BrokenRequest, brokenRequests, Description, Genuine, operationsOf } from './broken-requests';
import { LINK_KINDS, LinkKind, MailedLink, someAddress, spend, TOKEN_ROUTES } from './links';
import { expectNoEffect, startTarget } from './support';

/** Any other finds other things; the same one always the same. */
const SEED = Number(process.env['FUZZ_SEED'] ?? 20_251_122);
const CASES = Number(process.env['FUZZ_CASES'] ?? sampleSize(10_000));
const CONCURRENCY = 16;

/** What only somebody who knows the inside of the server would write. */
const INTERNALS = new RegExp(
  [
    /\n *at /,
    /\bat \S+ \(/,
    /\bstack\b|FST_|ERR_|node_modules|node:|nestjs|class-validator|postgres|pg-?boss|\bjest\b/,
    /\b(select|insert into|update|delete from|where) \w+|\b(relation|column|constraint|syntax) "/,
    /\blatchkey(_jobs)?\.|\b(password_resets|email_changes|quiet_periods|audit_events|limit_counters|user_id)\b/,
    /\.[jt]s\b|\/(work|home|tmp|usr|src|dist|var)\//,
    new RegExp(`\\b(${Object.keys(packageJson().dependencies).join('|')})\\b`),
  ]
    .map(({ source }) => source)
    .join('|'),
  'i',
);

function packageJson(): { dependencies: object } {
  return JSON.parse(readFileSync(join(__dirname, '..', '..', 'package.json'), 'utf8'));
}

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

describe('fuzz', () => {
  let server: TestApp;
  let description: Description;
  let genuine: Genuine;
  let isProblem: ValidateFunction;
  const links = new Map<LinkKind, MailedLink>();
  const password = Canary.password('password');
  const newPassword = Canary.password('new password');
  const secrets = [password, newPassword];
  const agent = new Agent({ keepAlive: true, maxSockets: CONCURRENCY });

  beforeAll(async () => {
    server = await startTarget();
    Object.assign(server.app.get(AuthOptions), { failuresPerAccountAndSource: 0, failuresPerAccount: 0 });
    description = (await server.http.get('/api/openapi.json').expect(200)).body;
    isProblem = problemValidator(description);
    genuine = await makeGenuine();
    for (const [index, token] of [genuine.accessToken, ...genuine.tokens].entries())
      secrets.push(...Canary.token(`token ${index}`, token));
  });
  afterAll(async () => {
    agent.destroy();
    await server.stop();
  });

  /** An account, a live link of each kind, and the bodies that would be served. */
  async function makeGenuine(): Promise<Genuine> {
    for (const kind of LINK_KINDS) links.set(kind, await kind.mail(server));
    const owner = await server.createUser({ password: password.value });
    const accessToken = await server.accessTokenFor(owner, password.value);
    const foreignId = readJwt(await server.accessTokenFor(await server.createUser())).claims['jti'];
    const setsPassword = { password: newPassword.value, passwordConfirmation: newPassword.value };
    const confirmed = { currentPassword: password.value };
    const bodies: Genuine['bodies'] = {
      '/api/auth/login': { email: owner.email, password: password.value },
      '/api/password-reset': { email: owner.email },
      '/api/users': { email: someAddress(), username: 'Susan', ...setsPassword },
      '/api/users/me/password': { ...confirmed, ...setsPassword },
      '/api/users/me/email': { ...confirmed, email: someAddress() },
    };
    for (const { kind, path, others } of TOKEN_ROUTES)
      bodies[path] = { ...others, token: links.get(kind)!.token };
    Object.assign(bodies['/api/password-reset/confirm']!, setsPassword);
    const tokens = [...links.values()].map(({ token }) => token);
    return { accessToken, bodies, tokens, foreignId: String(foreignId) };
  }

  function send({ method, path, headers, body }: BrokenRequest): Promise<Answer> {
    const { hostname, port } = new URL(server.url);
    return new Promise((resolve, reject) => {
      const length = body && !headers['Transfer-Encoding'] && { 'Content-Length': String(body.length) };
      request({ agent, hostname, port, method, path, headers: { ...headers, ...length } }, (answer) => {
        const { statusCode: status, headers } = answer;
        text(answer).then((content) => resolve({ status: status!, headers, text: content }), reject);
      })
        .on('error', reject)
        .end(body);
    });
  }

  /** @returns what is wrong with an answer */
  function complaint({ method }: BrokenRequest, { status, headers, text }: Answer): string | undefined {
    // A hash of the answer may spell anything.
    const everything = JSON.stringify({ ...headers, etag: undefined }) + text;
    const told = secrets.find((secret) => secret.isIn(everything));
    if (told) return `tells the ${told.name}`;
    const internal = INTERNALS.exec(everything);
    if (internal) return `tells "${internal[0]}"`;
    if (status === 200 && ['GET', 'HEAD'].includes(method)) return undefined;
    if (status < 400 || status > 499) return 'is no refusal';
    if (headers['content-type'] !== 'application/problem+json; charset=utf-8') return 'is no problem';
    if (headers['cache-control'] !== 'no-store') return 'may be stored';
    if (headers['x-content-type-options'] !== 'nosniff') return 'has not the usual headers';
    if (method === 'HEAD') return undefined;
    const problem = JSON.parse(text) as { status: number };
    if (!isProblem(problem)) return `is another problem: ${JSON.stringify(isProblem.errors)}`;
    return problem.status === status ? undefined : 'has two statuses';
  }

  /** @returns what is wrong with the answer to a request, if anything */
  async function attempt(attack: BrokenRequest): Promise<string[]> {
    try {
      const answer = await send(attack);
      const wrong = complaint(attack, answer);
      return wrong ? [`${wrong}: ${describeRequest(attack)} -> ${describeAnswer(answer)}`] : [];
    } catch (error) {
      // What cannot be parsed is answered before its method is known, and an answer to HEAD must not have a body.
      if (attack.method === 'HEAD' && /^HPE_/.test((error as NodeJS.ErrnoException).code ?? '')) return [];
      return [`no answer: ${describeRequest(attack)} -> ${String(error)}`];
    }
  }

  it('refuses broken requests to every route of the description, and nothing changes', async () => {
    const operations = operationsOf(description);
    expect(operations.length).toBeGreaterThan(15);
    const numRuns = Math.ceil(CASES / operations.length);
    const attacks = operations.flatMap((operation, index) => {
      const known = Object.keys(genuine.bodies[operation.path] ?? {});
      expect(known).toEqual(expect.arrayContaining(operation.required ?? []));
      return fc.sample(brokenRequests(operation, genuine), { seed: SEED + index, numRuns });
    });
    await expectNoEffect(server, async () => {
      const wrong: string[] = [];
      await inParallel(attacks, async (attack) => void wrong.push(...(await attempt(attack))));
      const [seed, count] = [SEED, wrong.length];
      expect({ seed, count, wrong: wrong.slice(0, 20) }).toEqual({ seed, count: 0, wrong: [] });
    });
    expect(Object.keys(Object.prototype)).toEqual([]);
  }, 480_000);

  it('leaves a server on which everybody can do what they could do before', async () => {
    await server.me(genuine.accessToken).expect(200);
    // Its wrong passwords count as those of somebody who guesses.
    await server.forgetCounters();
    for (const [kind, { token }] of links) await spend(server, kind, token).expect(204);
    await server.idle();
    const user = links.get(LINK_KINDS[0]!)!.user!;
    await server.confirm(await server.tokenFor(user), newPassword.value).expect(204);
    await server.accessTokenFor(user, newPassword.value);
  });
});

function problemValidator({ components }: Description): ValidateFunction {
  const ajv = new Ajv2020({ strict: false });
  addFormats(ajv);
  const schemas = Object.entries(components.schemas).map(([name, schema]) => [
    name,
    { ...schema, additionalProperties: false },
  ]);
  ajv.addSchema({ components: { schemas: Object.fromEntries(schemas) } }, 'openapi');
  return ajv.compile({ $ref: 'openapi#/components/schemas/ProblemSchema' });
}

async function inParallel<T>(items: T[], work: (item: T) => Promise<void>): Promise<void> {
  const rest = items.values();
  const worker = async () => {
    for (const item of rest) await work(item);
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
}

function describeRequest({ broken, method, path, headers, body }: BrokenRequest): string {
  const shown = {
    method,
    path,
    headers: { ...headers, Authorization: headers['Authorization']?.slice(0, 20) },
    body: body?.toString().slice(0, 200),
  };
  return `${broken} in ${JSON.stringify(shown).slice(0, 600)}`;
}

function describeAnswer({ status, headers, text }: Answer): string {
  return `${status} ${headers['content-type']} ${text.slice(0, 300)}`;
}
