import fc, { Arbitrary } from 'fast-check';

/** As much of an OpenAPI description as is needed to write requests. */
export interface Description {
  paths: Record<string, Record<string, DescribedOperation>>;
  components: { schemas: Record<string, { properties?: object; required?: string[] }> };
}

interface DescribedOperation {
  security?: object[];
  requestBody?: { content: Record<string, { schema: { $ref: string } }> };
}

/** What an operation would accept, and so what is to be broken. */
export interface Genuine {
  accessToken: string;
  /** The fields of a body, for each path that reads one. */
  bodies: Record<string, Record<string, string>>;
  /** Tokens that are live, each for some of the paths. */
  tokens: string[];
  /** Something that exists, and belongs to somebody else, for a parameter of a path. */
  foreignId: string;
}

/** A request in which something is not as described, so that it must not be served. */
export interface BrokenRequest {
  /** What that is. */
  broken: string;
  method: string;
  path: string;
  headers: Record<string, string>;
  body?: Buffer;
}

/** What makes a request one that must not be served. It wins over everything else that is odd. */
interface Break {
  broken: string;
  path?: string;
  headers?: Record<string, string>;
  /** As it is written; `null` for none at all. */
  body?: string | null;
}

/** A member of a JSON object as it is written: the name may come twice, and the value may be no JSON. */
type Member = readonly [name: string, json: string];

interface Operation {
  method: string;
  path: string;
  /** Whether it asks for an access token. */
  closed: boolean;
  /** The fields that its body must have; `undefined` where it reads none. */
  required?: string[];
}

/** Stands for a byte that is no UTF-8. */
const BROKEN_BYTE = '\ue0ff';

const NUL_AND_SURROGATES = [
  '"\\u0000"',
  '"\\ud800"',
  '"\\udc00x"',
  '"x\\udbff"',
  '"\\ufffd"',
  `"${BROKEN_BYTE}"`,
];
const HUGE = ['x'.repeat(60_000), '\u{1f600}'.repeat(15_000), 'x'.repeat(70_000)].map((text) => `"${text}"`);

/** No field is any of these. */
const WRONG_TYPES = [
  ...['0', '-1', '1e309', '-1E400', '0.1', '9'.repeat(400), 'true', 'false', '[]', '{}', '[null]', '[""]'],
  ...['{"$ne":null}', '{"$gt":""}', '{"length":20}', '{"__proto__":"x"}', '{"toString":null}', '{"0":"x"}'],
  '['.repeat(20_000) + ']'.repeat(20_000),
  '{"a":'.repeat(5_000) + '0' + '}'.repeat(5_000),
];

const NO_ADDRESSES = [
  ...['susan', '@', 'a@@b.example', 'a@b.example,c@d.example', '<a@b.example>', 'a@[127.0.0.1]'],
  ...['a@b.example\r\nBcc: c@d.example', ' a@b.example', 'a b@c.example', 'a@b..example', '%', "' OR 1=1 --"],
  ...['"a@b.example"@c.example', 'a@b.example\u2028', '\u202ea@b.example', 'ａ＠b.example', '${7*7}@{{x}}'],
  ...[`${'a'.repeat(65)}@b.example`, `a@${'b'.repeat(64)}.example`, `${'a.'.repeat(9000)}@b.example`],
];

const UNKNOWN_FIELDS = [
  ...[
    'id',
    'role',
    'isAdmin',
    'emailVerified',
    'passwordHash',
    'credentialsVersion',
    'createdAt',
    'disabledAt',
  ],
  ...[
    '__proto__',
    'constructor',
    'constructor.prototype',
    'prototype',
    'toString',
    'hasOwnProperty',
    'valueOf',
  ],
  ...[
    '',
    '0',
    'Email',
    'email ',
    'email[]',
    'e\\u0000mail',
    '\\ud800',
    BROKEN_BYTE,
    '$where',
    '__defineGetter__',
  ],
  ...['redirectUrl', 'callbackUrl', 'x'.repeat(5_000), 'then', 'length', 'options', '\u{1d4d0}'],
];

/** Around the JSON of an object, these make it something else. */
const GARBAGE = ['x', '}', ',', '{}', '\0', '/**/', ';', BROKEN_BYTE, '"', '\\', '\u2028', ']'];

const MEDIA_TYPES = [
  ...[
    'text/plain',
    'text/json',
    'application/jsonp',
    'application/ld+json',
    'application/xml',
    'json',
    'a/b',
  ],
  ...[
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'multipart/form-data',
    '*/*',
    ';',
  ],
  ...['text/plain, application/json', 'application/json, text/plain', 'application/json/x', 'x'.repeat(4000)],
  ...['application/octet-stream', 'application/problem+json', '\xff', 'application/json\xa0', '__proto__'],
];

const QUERIES = [
  ...[
    '?',
    '??',
    '?%',
    '?%00',
    '?%ff=%ff',
    '?a=1&a=2',
    '?a[]=1&a[__proto__]=2',
    '?__proto__[polluted]=1',
    '?#',
  ],
  ...['?constructor.prototype.polluted=1', '?email=a@b.example', '?email[$ne]=', '?_method=DELETE', '?\xff'],
  ...[
    `?${'x'.repeat(3000)}`,
    `?${'a&'.repeat(2000)}`,
    '?id=1%20OR%201=1',
    '?access_token=x',
    '?%u0000',
    '?=&=',
  ],
  `?${'x'.repeat(20_000)}`,
];

const PARAMETERS = [
  ...[
    '%00',
    '%ff',
    '%',
    '%zz',
    '%C0%AE',
    '.',
    '..',
    '%2e%2e',
    '%2F',
    '%5c',
    '\xff',
    '*',
    ':id',
    'null',
    '0',
    '-1',
  ],
  ...[
    '__proto__',
    'constructor',
    '1%20OR%201=1',
    "'",
    '%27%3B--',
    '{}',
    '[]',
    '%F0%9F%98%80',
    '%E2%80%AE',
    ';x=1',
  ],
  ...['00000000-0000-0000-0000-000000000000', 'x'.repeat(1000), 'x'.repeat(1100), '%0d%0aX:%20y', '?', '%3f'],
];

const PATH_ENDS = [
  '/',
  '//',
  '/.',
  '/..',
  '/%2e%2e',
  ';x=1',
  '%',
  '%00',
  '%ff',
  '\xff',
  '/__proto__',
  '.json',
  '%20',
];

const ODD_HEADERS: Record<string, string>[] = [
  ...['text/html', '*/*;q=0', 'x'.repeat(2000), '\xff'].map((accept) => ({ Accept: accept })),
  ...['DELETE', 'GET', 'x'].map((method) => ({ 'X-HTTP-Method-Override': method })),
  ...['gzip', 'br', 'identity, x'].map((coding) => ({ 'Content-Encoding': coding })),
  ...['http://evil.example', 'null', '\xff'].map((origin) => ({ Origin: origin })),
  ...['evil.example', '', 'a"><b', '[::1'].map((host) => ({ Host: host, 'X-Forwarded-Host': host })),
  ...['latchkey=x; latchkey-pre=%', '__proto__=1', '='].map((cookie) => ({ Cookie: cookie })),
  ...['zh-TW', '__proto__', '*;q=2', 'x-'.repeat(1000)].map((language) => ({ 'Accept-Language': language })),
  ...['100-continue', 'something'].map((expectation) => ({ Expect: expectation })),
  ...['127.0.0.1', '1,'.repeat(500), '\xff', '__proto__'].map((ip) => ({ 'X-Forwarded-For': ip })),
  { 'Transfer-Encoding': 'chunked' },
  { 'X-Odd': 'x'.repeat(20_000) },
];

const OTHER_METHODS = ['PUT', 'PATCH', 'DELETE', 'HEAD', 'GET', 'OPTIONS', 'TRACE', 'PROPFIND', 'QUERY'];

/** The operations of a description, by method and path. */
export function operationsOf({ paths, components: { schemas } }: Description): Operation[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { security, requestBody }]) => {
      // An empty requirement among others makes them optional (OpenAPI 3.1, "Security Requirement Object").
      const closed = security !== undefined && security.every((scheme) => Object.keys(scheme).length > 0);
      const schema = requestBody?.content['application/json']!.schema.$ref.split('/').at(-1);
      const required = schema === undefined ? undefined : (schemas[schema]!.required ?? []);
      return { method: method.toUpperCase(), path, closed, required };
    }),
  );
}

/**
 * Requests to an operation, with anything odd about them. Those to an operation that changes something all have a
 * {@link Break}; one that only reads does no harm if it serves them.
 */
export function brokenRequests(operation: Operation, genuine: Genuine): Arbitrary<BrokenRequest> {
  return fc
    .record({
      change: fc.oneof(...breaksOf(operation, genuine)),
      method: sometimes(20, fc.constantFrom(...OTHER_METHODS), operation.method),
      end: sometimes(12, fc.constantFrom(...PATH_ENDS), ''),
      query: sometimes(4, fc.constantFrom(...QUERIES), ''),
      odd: sometimes(4, fc.constantFrom(...ODD_HEADERS), {}),
    })
    .map(({ change, method, end, query, odd }) => {
      const { broken, path = operation.path, headers = {}, body = null } = change;
      const authorization = operation.closed && { Authorization: `Bearer ${genuine.accessToken}` };
      const type = body !== null && { 'Content-Type': 'application/json' };
      return {
        broken,
        method,
        path: `${path}${end}${query}`,
        headers: withoutBlanks({ ...authorization, ...type, ...odd, ...headers }),
        ...(body !== null && { body: encode(body) }),
      };
    });
}

function breaksOf(operation: Operation, genuine: Genuine): Arbitrary<Break>[] {
  const { method, path, closed, required } = operation;
  const breaks: Arbitrary<Break>[] = [];
  const fields = genuine.bodies[path] ?? {};
  if (required && Object.keys(fields).length > 0)
    breaks.push(...brokenBodies(fields, required, genuine.tokens), brokenTypes(jsonOf(membersOf(fields))));
  else breaks.push(brokenTypes('{}'), brokenTexts('{"a":[1,"x"]}'));
  if (closed) breaks.push(brokenAuthorizations(genuine, required ? jsonOf(membersOf(fields)) : null));
  if (path.includes('{')) {
    const parameters = fc.constantFrom(...PARAMETERS, genuine.foreignId, genuine.foreignId.toUpperCase());
    breaks.length = 0;
    breaks.push(parameters.map((text) => ({ broken: 'a parameter', path: path.replace(/{\w+}/, text) })));
  }
  if (method === 'GET') breaks.push(fc.constant({ broken: 'nothing' }));
  return breaks;
}

/** Bodies that are JSON, or look like it, and are not those that the operation reads. */
function brokenBodies(
  fields: Record<string, string>,
  required: string[],
  tokens: string[],
): Arbitrary<Break>[] {
  const good = fc
    .shuffledSubarray(membersOf(fields))
    .map((some) => [
      ...membersOf(fields).filter(
        ([name]) => required.includes(name) && !some.some(([known]) => known === name),
      ),
      ...some,
    ]);
  const name = fc.constantFrom(...Object.keys(fields));
  const withMember = (broken: string, member: Arbitrary<Member>) =>
    fc.tuple(good, member).map(([members, [name, json]]) => {
      const others = members.filter(([known]) => known !== name);
      return { broken: `${broken} of ${name}`, body: jsonOf([...others, [name, json] as const]) };
    });
  return [
    withMember('the type', fc.tuple(name, wrongTypes)),
    withMember(
      'the text',
      name.chain((field) => badTexts(field, fields[field]!, tokens).map((json) => [field, json] as const)),
    ),
    withMember(
      'null instead',
      fc.constantFrom(...required).map((field) => [field, 'null'] as const),
    ),
    // Programs differ in which of two they take. Ours take the last, so it is this that must be the bad one.
    fc.tuple(good, name, wrongTypes).map(([members, field, json]) => ({
      broken: `a second ${field}`,
      body: jsonOf([...members, [field, json]]),
    })),
    fc.tuple(good, fc.constantFrom(...required)).map(([members, missing]) => ({
      broken: `no ${missing}`,
      body: jsonOf(members.filter(([name]) => name !== missing)),
    })),
    fc
      .tuple(good, fc.constantFrom(...UNKNOWN_FIELDS), fc.oneof(wrongTypes, fc.constant('"x"')), fc.nat(5))
      .map(([members, unknown, json, place]) => ({
        broken: `a field ${unknown.slice(0, 20)}`,
        body: jsonOf(members.toSpliced(place, 0, [unknown, json])),
      })),
    good.chain((members) => brokenTexts(jsonOf(members))),
    good.chain((members) => noObjects(jsonOf(members))),
    fc.constant({ broken: 'no body', body: null }),
  ];
}

const wrongTypes = fc.oneof(
  fc.constantFrom(...WRONG_TYPES),
  fc
    .jsonValue({ noUnicodeString: false })
    .filter((value) => typeof value !== 'string' && value !== null)
    .map((value) => JSON.stringify(value)),
);

/** JSON of strings that are not good for a field. */
function badTexts(field: string, good: string, tokens: string[]): Arbitrary<string> {
  const texts = [fc.constantFrom(...NUL_AND_SURROGATES, ...HUGE, '""')];
  const strings = (arbitrary: Arbitrary<string>) => texts.push(arbitrary.map((text) => JSON.stringify(text)));
  // Most short texts are good names, and no passwords, tokens or addresses.
  const short = fc.string({ unit: 'grapheme', maxLength: 10 });
  strings(
    field === 'username' ? short.map((text) => `${text}\n`) : short.map((text) => text.replaceAll('@', '')),
  );
  if (field === 'email')
    strings(fc.constantFrom(...NO_ADDRESSES, `${good},${good}`, ` ${good}`, `${good}\n`));
  if (field === 'token') {
    strings(
      fc.constantFrom(...tokens.filter((token) => token !== good), ` ${good}`, `${good}.`, good + good),
    );
    strings(fc.nat(good.length - 2).map((end) => good.slice(0, end)));
    strings(
      fc
        .nat(good.length - 2)
        .map((at) => `${good.slice(0, at)}${good[at] === 'A' ? 'B' : 'A'}${good.slice(at + 1)}`),
    );
  }
  return fc.oneof(...texts);
}

/** What is no JSON. */
function brokenTexts(json: string): Arbitrary<Break> {
  const garbage = fc.constantFrom(...GARBAGE);
  return fc
    .oneof(
      fc.integer({ min: 1, max: json.length - 1 }).map((end) => json.slice(0, end)),
      garbage.map((text) => json + text),
      garbage.filter((text) => !/^[\\s]*$/.test(text)).map((text) => text + json),
      fc.constantFrom(
        json.replaceAll('"', "'"),
        json.replace(/}$/, ',}'),
        json.replace('{', '{"a":NaN,'),
        json.replace('{', '{"a":0x1,'),
        json.replace('{', '{a:1,'),
        json.replace('{', '{"a":"\n",'),
        json.replace('{', '{"a":undefined,'),
        json.replace(':', ''),
        [...json].join('\0'),
      ),
    )
    .map((body) => ({ broken: 'the JSON', body }));
}

/** JSON that is no object of fields. */
function noObjects(json: string): Arbitrary<Break> {
  const text = fc.oneof(
    fc.constantFrom(
      'null',
      'true',
      '0',
      '1e309',
      '""',
      '[]',
      '{}',
      `[${json}]`,
      `{"body":${json}}`,
      JSON.stringify(json),
    ),
    fc.jsonValue({ noUnicodeString: false }).map((value) => JSON.stringify(value)),
  );
  return text.map((body) => ({ broken: 'no object', body }));
}

/** A body of a type that is not read. */
function brokenTypes(json: string): Arbitrary<Break> {
  return fc.constantFrom(...MEDIA_TYPES).map((type) => ({
    broken: `the type ${type.slice(0, 40)}`,
    headers: { 'Content-Type': type },
    body: json,
  }));
}

/** A body that is as it should be, from somebody who has not said who they are. */
function brokenAuthorizations({ accessToken, tokens }: Genuine, body: string | null): Arbitrary<Break> {
  const [head, claims, signature] = accessToken.split('.');
  const none = Buffer.from('{"alg":"none"}').toString('base64url');
  return fc
    .constantFrom(
      ...[
        '',
        'Bearer',
        'Bearer ',
        'Bearer null',
        'Bearer x',
        'Bearer \xff',
        'Bearer ..',
        accessToken,
        'Basic Og==',
      ],
      ...[
        `Bearer ${accessToken} x`,
        `Bearer ${accessToken},`,
        `Basic ${accessToken}`,
        `Bearer ${'x'.repeat(9000)}`,
      ],
      ...[`Bearer ${none}.${claims}.`, `Bearer ${head}.${claims}.`, `Bearer ${head}..${signature}`],
      `Bearer ${head}.${claims}.${signature!.split('').reverse().join('')}`,
      ...tokens.map((token) => `Bearer ${token}`),
    )
    .map((authorization) => ({
      broken: 'the authorization',
      headers: { Authorization: authorization },
      body,
    }));
}

function membersOf(fields: Record<string, string>): Member[] {
  return Object.entries(fields).map(([name, value]) => [name, JSON.stringify(value)]);
}

function jsonOf(members: readonly Member[]): string {
  return `{${members.map(([name, json]) => `"${name}":${json}`).join(',')}}`;
}

function encode(text: string): Buffer {
  const bytes = Buffer.from(text).toString('latin1');
  return Buffer.from(bytes.replaceAll(Buffer.from(BROKEN_BYTE).toString('latin1'), '\xff'), 'latin1');
}

function withoutBlanks(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== ''));
}

/** One time in so many something else than usual. */
function sometimes<T>(oneIn: number, odd: Arbitrary<T>, usual: T): Arbitrary<T> {
  return fc.oneof({ weight: oneIn - 1, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: odd });
}
