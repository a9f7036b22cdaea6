import { readSettings, SettingsError } from '.';

const GOOD_SECRET = 'k7Qm2Zt9Xw4Lr8Vb1Nc6Hd3Jf5Gs0Py/';
const PRODUCTION = {
  NODE_ENV: 'production',
  PUBLIC_URL: 'https://id.example.com',
  SECRET_KEY: GOOD_SECRET,
  DATABASE_URL: 'postgres://latchkey:pw@db.example.com/latchkey',
  MAIL_SERVER: 'smtp.example.com',
  ADMINS: 'no-reply@latchkey.dev',
};
const LOGIN = { MAIL_USERNAME: 'susan', MAIL_PASSWORD: 'pw' };

/** What lets a development server be open to others. */
const NOTHING_EMBEDDED = {
  SECRET_KEY: GOOD_SECRET,
  DATABASE_URL: PRODUCTION.DATABASE_URL,
  MAIL_SERVER: PRODUCTION.MAIL_SERVER,
};

/** Every variable that can be wrong. */
const NAMES = `
  NODE_ENV PORT ROLE PUBLIC_URL RESET_URL SECRET_KEY SECRET_KEY_PREVIOUS DATABASE_URL DATABASE_POOL_SIZE MAIL_PORT
  ADMINS APP_NAME RESET_TOKEN_TTL RESET_COOLDOWN RESET_MAILS_PER_HOUR TRUST_PROXY PASSWORD_MIN_LENGTH BCRYPT_COST
  SESSION_TTL DEFAULT_LOCALE LOG_LEVEL API_DOCS`
  .trim()
  .split(/\s+/);

type Variables = Parameters<typeof readSettings>[0];

function problemsOf(variables: Variables): string[] {
  try {
    readSettings(variables);
    return [];
  } catch (error) {
    if (error instanceof SettingsError) return error.problems;
    throw error;
  }
}

describe('production does not start', () => {
  it.each<[string, Variables, string]>([
    ['without a secret', { SECRET_KEY: undefined }, 'SECRET_KEY: must be set in production'],
    ['with an empty secret', { SECRET_KEY: '' }, 'SECRET_KEY: must be set in production'],
    ['with the embedded database', { DATABASE_URL: undefined }, 'DATABASE_URL: must be set in production'],
    ['with the embedded mailbox', { MAIL_SERVER: undefined }, 'MAIL_SERVER: must be set in production'],
    ['without a public URL', { PUBLIC_URL: undefined }, 'PUBLIC_URL: must be an https URL in production'],
    ['on plain http', { PUBLIC_URL: 'http://id.example.com' }, 'PUBLIC_URL: must be an https URL'],
    ['with links on plain http', { RESET_URL: 'http://app.example.com/#{token}' }, 'RESET_URL: must not be'],
    ['with hashes that are made too fast', { BCRYPT_COST: '9' }, 'BCRYPT_COST: must be at least 10'],
    ['without a sender', { ADMINS: undefined }, 'ADMINS: must be set in production'],
    ['with a sender that nobody can be', { ADMINS: 'no-reply@mail.localhost' }, 'ADMINS: must be set in'],
    ['with a sender of no domain', { ADMINS: 'root@id' }, 'ADMINS: must be set in production'],
  ])('%s', (_, variables, problem) => {
    expect(problemsOf({ ...PRODUCTION, ...variables })).toEqual([expect.stringContaining(problem)]);
  });

  it('on any of the above before each of them is mended', () => {
    const named = problemsOf({ NODE_ENV: 'production', BCRYPT_COST: '9', SESSION_TTL: 'long' }).map(
      (problem) => problem.split(':')[0],
    );
    expect(named.sort()).toEqual([
      'ADMINS',
      'BCRYPT_COST',
      'DATABASE_URL',
      'MAIL_SERVER',
      'PUBLIC_URL',
      'SECRET_KEY',
      'SESSION_TTL',
    ]);
  });

  it('and does with all of it right, closed where development is open', () => {
    expect(readSettings(PRODUCTION)).toMatchObject({
      environment: 'production',
      publicUrl: 'https://id.example.com',
      resetUrl: 'https://id.example.com/reset_password/{token}',
      admins: ['no-reply@latchkey.dev'],
      apiDocs: 'off',
      trustProxy: 0,
    });
    expect(problemsOf({ ...PRODUCTION, RESET_URL: 'https://app.example.com/reset#{token}' })).toEqual([]);
    for (const MAIL_USE_TLS of [undefined, '1'])
      expect(problemsOf({ ...PRODUCTION, ...LOGIN, MAIL_USE_TLS })).toEqual([]);
  });
});

describe('secrets that are none are refused everywhere', () => {
  it.each([
    ['short', 'k7Qm2Zt9Xw4Lr8Vb1Nc6Hd3Jf5Gs0Py'],
    ['one letter', 'x'.repeat(64)],
    ['a short word, repeated', 'password'.repeat(8)],
    ['of an example', 'please-change-me-0123456789-abcdef'],
    ['of another example', 'replace-this-0123456789-abcdefghij'],
    ['of the documentation', 'an-example-0123456789-abcdefghijkl'],
    ['of a template', 'your_SECRET_KEY_0123456789-abcdefg'],
  ])('%s', (_, secret) => {
    for (const name of ['SECRET_KEY', 'SECRET_KEY_PREVIOUS', 'PASSWORD_PEPPER']) {
      expect(problemsOf({ [name]: secret })).toEqual([
        `${name}: must be at least 32 bytes of randomness; make one with: openssl rand -base64 48`,
      ]);
    }
  });

  it.each([
    ['a comma', `${GOOD_SECRET},${GOOD_SECRET}`],
    ['a comma at its end', `${GOOD_SECRET},`],
    ['a space before it', ` ${GOOD_SECRET}`],
    ['a line end, as of a file that it was read from', `${GOOD_SECRET}\n`],
  ])('those that no list of previous ones could hold: with %s', (_, secret) => {
    for (const name of ['SECRET_KEY', 'PASSWORD_PEPPER']) {
      const problems = problemsOf({ [name]: secret });
      expect(problems).toEqual([
        `${name}: must have no comma in it and no space or line end around it; make one with: openssl rand -base64 48`,
      ]);
      expect(problems.join()).not.toContain(GOOD_SECRET);
    }
  });

  it('so that each one that is taken is found again in the list when it is changed', () => {
    const secret = `${GOOD_SECRET} with a space`;
    const before = readSettings({ SECRET_KEY: secret, PASSWORD_PEPPER: secret });
    const after = readSettings({ SECRET_KEY_PREVIOUS: secret, PASSWORD_PEPPER_PREVIOUS: secret });
    expect(after.previousSecretKeys).toEqual([before.secretKey]);
    expect(after.previousPeppers).toEqual([before.pepper]);
  });

  it('one bad one among good previous ones', () => {
    expect(problemsOf({ SECRET_KEY_PREVIOUS: `${GOOD_SECRET}, short, ${GOOD_SECRET}` })).toHaveLength(1);
  });

  it('and good ones are not', () => {
    const hexadecimal = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08';
    expect(problemsOf({ SECRET_KEY: hexadecimal, SECRET_KEY_PREVIOUS: GOOD_SECRET })).toEqual([]);
    expect(problemsOf({ PASSWORD_PEPPER: hexadecimal })).toEqual([]);
  });

  it('and a weak pepper can be left behind', () => {
    expect(problemsOf({ PASSWORD_PEPPER: GOOD_SECRET, PASSWORD_PEPPER_PREVIOUS: 'mill, salt' })).toEqual([]);
  });
});

describe('a wrong variable is named with its cure', () => {
  const wholeNumber = (from: number, to: number) => `must be a whole number from ${from} to ${to}`;

  it.each([
    ['NODE_ENV', 'prod', 'must be one of the following values: development, test, production'],
    ['ROLE', 'server', 'must be one of the following values: all, web, worker'],
    ['PORT', '65536', wholeNumber(1, 65_535)],
    ['PORT', '0', wholeNumber(1, 65_535)],
    ['PORT', '80.5', wholeNumber(1, 65_535)],
    ['PORT', 'http', wholeNumber(1, 65_535)],
    ['PUBLIC_URL', 'example.com', 'must be an http(s) URL such as https://example.com'],
    ['PUBLIC_URL', 'ftp://example.com', 'must be an http(s) URL such as https://example.com'],
    ['PUBLIC_URL', 'https://example.com/?a=b', 'must be an http(s) URL such as https://example.com'],
    ['PUBLIC_URL', 'https://example.com/#top', 'must be an http(s) URL such as https://example.com'],
    ['PUBLIC_URL', 'https://example.com:99999', 'must be an http(s) URL such as https://example.com'],
    ['PUBLIC_URL', 'https://susan@example.com', 'must be an http(s) URL such as https://example.com'],
    ['PUBLIC_URL', 'https://example.com/auth', 'must have no path: give the server a host name of its own'],
    ['PUBLIC_URL', 'https://example.com/auth/', 'must have no path: give the server a host name of its own'],
    ['PUBLIC_URL', 'https://', 'must be an http(s) URL such as https://example.com'],
    ['RESET_URL', 'https://app.example.com/reset', 'must be a URL with {token} in it'],
    ['RESET_URL', '/reset/{token}', 'must be a URL with {token} in it'],
    ['RESET_URL', 'https://app.example.com/a b/{token}', 'must be a URL with {token} in it'],
    ['DATABASE_URL', 'mysql://db', 'must be a URL such as postgres://user:password@host:5432/database'],
    [
      'DATABASE_URL',
      'postgres://u:p#w@db/x',
      'must be a URL such as postgres://user:password@host:5432/database',
    ],
    [
      'DATABASE_URL',
      'postgres://u:p%w@db/x',
      'must be a URL such as postgres://user:password@host:5432/database',
    ],
    ['DATABASE_POOL_SIZE', '1', wholeNumber(2, 1000)],
    ['MAIL_PORT', '0', wholeNumber(1, 65_535)],
    ['MAIL_SERVER', 'smtp.example.com:587', 'must be a host name or an IP address alone'],
    ['MAIL_SERVER', 'smtp://smtp.example.com', 'must be a host name or an IP address alone'],
    ['MAIL_SERVER', 'cafe:587', 'must be a host name or an IP address alone'],
    ['MAIL_SERVER', '[::1]', 'must be a host name or an IP address alone'],
    ['MAIL_EHLO_NAME', 'https://id.example.com', 'must be a host name such as id.example.com'],
    ['MAIL_EHLO_NAME', 'id.example.com\r\nMAIL FROM:<>', 'must be a host name such as id.example.com'],
    ['ADMINS', 'susan', 'must be a comma list of e-mail addresses'],
    ['ADMINS', 'a@example.com, b', 'must be a comma list of e-mail addresses'],
    ['ADMINS', ',', 'must be a comma list of e-mail addresses'],
    ['APP_NAME', 'Latch\r\nBcc: x@example.com', 'must be 1 to 100 characters, without control characters'],
    ['APP_NAME', 'x'.repeat(101), 'must be 1 to 100 characters'],
    ['APP_NAME', '{{token}}', 'must be 1 to 100 characters, without control characters and braces'],
    ['RESET_TOKEN_TTL', '59', wholeNumber(60, 86_400)],
    ['RESET_TOKEN_TTL', '90000', wholeNumber(60, 86_400)],
    ['RESET_COOLDOWN', '3601', wholeNumber(0, 3600)],
    ['RESET_MAILS_PER_HOUR', '-1', wholeNumber(0, 1000)],
    ['TRUST_PROXY', 'true', wholeNumber(0, 10)],
    ['PASSWORD_MIN_LENGTH', '7', wholeNumber(8, 64)],
    ['BCRYPT_COST', '16', wholeNumber(4, 15)],
    ['BCRYPT_COST', '3', wholeNumber(4, 15)],
    ['SESSION_TTL', '59', wholeNumber(60, 2_592_000)],
    ['SESSION_TTL', 'Infinity', wholeNumber(60, 2_592_000)],
    ['DEFAULT_LOCALE', '../en', 'must be one of the following values: en, zh-TW'],
    ['DEFAULT_LOCALE', 'fr', 'must be one of the following values: en, zh-TW'],
    ['LOG_LEVEL', 'loud', 'must be one of the following values: silent, fatal, error'],
    ['API_DOCS', 'yes', 'must be one of the following values: on, off, auto'],
  ])('%s=%p', (name, value, cure) => {
    expect(problemsOf({ [name]: value })).toEqual([expect.stringContaining(`${name}: ${cure}`)]);
  });

  it.each<[string, Variables]>([
    ['MAIL_PORT is 465', { MAIL_PORT: '465' }],
    ['MAIL_USERNAME is set', LOGIN],
  ])('MAIL_USE_TLS=off where %s, which contradict each other', (where, variables) => {
    const mail = { MAIL_SERVER: 'smtp.example.com', ...variables };
    for (const MAIL_USE_TLS of ['off', 'No', '0', 'false']) {
      expect(problemsOf({ ...mail, MAIL_USE_TLS })).toEqual([
        expect.stringContaining(`MAIL_USE_TLS: must not be off where ${where}`),
      ]);
    }
    expect(problemsOf(mail)).toEqual([]);
  });

  it('all of them at once', () => {
    const message = () => readSettings({ PORT: 'x', ROLE: 'x', SECRET_KEY: 'x', ADMINS: 'x' });
    for (const name of ['PORT', 'ROLE', 'SECRET_KEY', 'ADMINS']) expect(message).toThrow(`${name}: `);
  });

  it('and its value is not told, for it may be a secret in the wrong place', () => {
    const canary = 'hunter2 {canary}';
    const problems = problemsOf(Object.fromEntries(NAMES.map((name) => [name, canary])));
    expect(new Set(problems.map((problem) => problem.split(':')[0]))).toEqual(new Set(NAMES));
    expect(problems.join('\n')).not.toMatch(/hunter2|canary/);
  });
});

describe('embedded parts are for this computer only, whatever NODE_ENV says', () => {
  const OPEN: [string, Variables][] = [
    ['HOST', { HOST: '0.0.0.0' }],
    ['HOST', { HOST: '::' }],
    ['HOST', { HOST: '192.168.1.20' }],
    ['HOST', { HOST: '127.0.0.1.example.com' }],
    ['PUBLIC_URL', { PUBLIC_URL: 'http://192.168.1.20:3000' }],
    ['PUBLIC_URL', { PUBLIC_URL: 'https://id.example.com' }],
    ['PUBLIC_URL', { PUBLIC_URL: 'https://localhost.example.com' }],
    ['HOST and PUBLIC_URL', { HOST: '0.0.0.0', PUBLIC_URL: 'http://id.example.com' }],
  ];

  it.each(OPEN)('not where %s would let others in: %p', (names, variables) => {
    for (const NODE_ENV of [undefined, 'development', 'test']) {
      const problems = problemsOf({ NODE_ENV, ...variables });
      expect(problems.map((problem) => problem.split(':')[0])).toEqual([
        'DATABASE_URL',
        'MAIL_SERVER',
        'SECRET_KEY',
      ]);
      for (const problem of problems)
        expect(problem).toMatch(
          new RegExp(`must be set \\(.+\\), because ${names} would let others in; .+127`),
        );
      expect(problemsOf({ NODE_ENV, ...NOTHING_EMBEDDED, ...variables })).toEqual([]);
    }
  });

  it('none of them alone', () => {
    for (const name of ['DATABASE_URL', 'MAIL_SERVER', 'SECRET_KEY'])
      expect(problemsOf({ ...NOTHING_EMBEDDED, HOST: '0.0.0.0', [name]: undefined })).toHaveLength(1);
  });

  it.each([
    { HOST: 'localhost' },
    { HOST: '127.8.8.8' },
    { HOST: '::1' },
    { HOST: '::ffff:127.0.0.1', PUBLIC_URL: 'http://[::1]:3000' },
    { PUBLIC_URL: 'http://localhost:8080' },
    { PUBLIC_URL: 'https://id.example.localhost' },
    { PUBLIC_URL: 'http://127.0.0.2:3000/' },
  ])('where it is closed: %p', (variables) => expect(problemsOf(variables)).toEqual([]));
});

describe('settings that belong together', () => {
  it.each<[Variables, string]>([
    [{ ...NOTHING_EMBEDDED, MAIL_USERNAME: 'susan' }, 'MAIL_PASSWORD: must be set where MAIL_USERNAME is'],
    [{ ...NOTHING_EMBEDDED, MAIL_PASSWORD: 'pw' }, 'MAIL_USERNAME: must be set where MAIL_PASSWORD is'],
    [LOGIN, 'MAIL_SERVER: must be set where MAIL_USERNAME is'],
  ])('%p are refused', (variables, problem) => {
    expect(problemsOf(variables)).toEqual([expect.stringContaining(problem)]);
  });

  it('are taken where the one that counts is plain', () => {
    expect(problemsOf({ SESSION_TTL: '3600' })).toEqual([]);
    expect(problemsOf({ RESET_COOLDOWN: '600' })).toEqual([]);
  });
});

describe('values as files and shells hand them over', () => {
  const ALL = {
    ...PRODUCTION,
    ...LOGIN,
    MAIL_USE_TLS: '1',
    MAIL_PORT: '587',
    REDIS_URL: 'rediss://r',
    HOST: '::',
  };

  it.each(['\n', '\r\n', ' ', '\t'])('lose %p around them, each of them', (end) => {
    const untidy = Object.entries(ALL).map(([name, value]) => [
      name,
      name === 'SECRET_KEY' ? value : end + value + end,
    ]);
    expect(readSettings(Object.fromEntries(untidy) as Variables)).toEqual(readSettings(ALL));
    expect(readSettings({ ...ALL, ...LOGIN, MAIL_PASSWORD: `pw${end}` })).toMatchObject({
      mailPassword: 'pw',
    });
    expect(readSettings({ MAIL_SERVER: 'mail', MAIL_USE_TLS: `0${end}` })).toMatchObject({
      mailUseTls: false,
    });
  });

  it.each(['"', "'"])('are refused with %s left around them', (quote) => {
    for (const [name, value] of Object.entries({ APP_NAME: 'The Shop', MAIL_PASSWORD: 'pw', HOST: '::1' })) {
      const problems = problemsOf({ ...ALL, [name]: quote + value + quote });
      expect(problems).toContain(`${name}: must have no quotes around it, here they are part of the value`);
    }
    expect(problemsOf({ SECRET_KEY: `${quote}${GOOD_SECRET}${quote}` })).toEqual([]);
  });
});

describe('production warns of what can be read on its way', () => {
  const warningsOf = (variables: Variables) =>
    readSettings({ ...PRODUCTION, ...ENCRYPTED, ...variables }).warnings.map((line) => line.split(':')[0]);
  const ENCRYPTED = { DATABASE_URL: 'postgres://db.example.com/x?sslmode=verify-full', MAIL_USE_TLS: '1' };

  it.each([
    'postgres://localhost/x',
    'postgres://127.0.0.1/x',
    'postgres:///x?host=/var/run/postgresql',
    'postgres://susan@%2Fvar%2Frun%2Fpostgresql/x',
    'postgres://db.example.com/x?sslmode=require',
    'postgres://db.example.com/x?sslmode=no-verify',
    'postgres://db.example.com/x?ssl=true',
  ])('not on the way to the database %s', (DATABASE_URL) => {
    expect(warningsOf({ DATABASE_URL })).toEqual([]);
  });

  it.each<Variables>([
    { DATABASE_URL: 'postgres://db.example.com/x' },
    { DATABASE_URL: 'postgres://10.0.0.7/x' },
    { DATABASE_URL: 'postgres://db.example.com/x?sslmode=disable' },
    { REDIS_URL: 'redis://redis.example.com' },
    { MAIL_USE_TLS: undefined },
    { MAIL_USE_TLS: 'off' },
  ])('%p', (variables) => expect(warningsOf(variables)).toEqual(Object.keys(variables)));

  it.each<Variables>([
    { REDIS_URL: 'rediss://redis.example.com' },
    { REDIS_URL: 'redis://localhost' },
    { MAIL_USE_TLS: undefined, MAIL_SERVER: '127.0.0.1' },
  ])('not %p', (variables) => expect(warningsOf(variables)).toEqual([]));

  it('and no value is in a warning', () => {
    const DATABASE_URL = 'postgres://susan:hunter2@db.example.com/x';
    expect(readSettings({ ...PRODUCTION, DATABASE_URL }).warnings.join()).not.toMatch(
      /hunter2|susan|db\.example/,
    );
  });

  it('development warns where it is open to others', () => {
    const [warning] = readSettings({ ...NOTHING_EMBEDDED, HOST: '0.0.0.0' }).warnings;
    expect(warning).toMatch(/^NODE_ENV is not production, but HOST would let others in/);
    expect(readSettings(NOTHING_EMBEDDED).warnings).toEqual([]);
  });
});

describe('origins are taken as browsers write them', () => {
  it.each([
    'https://app.example.com',
    'http://localhost:5173',
    'capacitor://localhost',
    'ionic://localhost',
    'tauri://localhost',
    'chrome-extension://mhjfbmdgcfjbbpaeojofohoefgiehjai',
    'safari-web-extension://0E9E0C0F-2C1B-4F5A-8D6C-2B7B5C6F1A2D',
  ])('%s', (origin) => {
    expect(readSettings({ CORS_ORIGINS: `${origin}, https://b.test` }).corsOrigins).toEqual([
      origin,
      'https://b.test',
    ]);
  });

  it.each([
    '*',
    'null',
    'https://*.example.com',
    'https://app.example.com/',
    'https://app.example.com:443',
    'https://App.example.com',
    'app.example.com',
    'capacitor://localhost/',
    'capacitor://*',
    'capacitor:localhost',
    'CAPACITOR://localhost',
    'capacitor://susan@localhost',
    'file://localhost',
    'data://x',
  ])('and %s is none', (origin) => {
    expect(problemsOf({ CORS_ORIGINS: origin })).toEqual([expect.stringMatching(/^CORS_ORIGINS: must be/)]);
  });
});

describe('the settings', () => {
  it('have the documented defaults', () => {
    expect(readSettings({})).toEqual({
      environment: 'development',
      host: '127.0.0.1',
      port: 3000,
      role: 'all',
      shutdownDelay: 3,
      publicUrl: 'http://localhost:3000',
      resetUrl: 'http://localhost:3000/reset_password/{token}',
      secretKey: undefined,
      previousSecretKeys: [],
      pepper: undefined,
      previousPeppers: [],
      databaseUrl: undefined,
      databasePoolSize: 10,
      databasePrepared: 'on',
      mailServer: undefined,
      mailPort: 25,
      mailUseTls: undefined,
      mailConcurrency: 20,
      mailEhloName: undefined,
      mailUsername: undefined,
      mailPassword: undefined,
      admins: ['no-reply@localhost'],
      appName: 'Latchkey',
      resetTokenTtl: 600,
      resetCooldown: 60,
      resetMailsPerHour: 2,
      resetQuietPeriod: 3600,
      emailChangeHold: 86_400,
      limitPerMinute: 20,
      limitPerHour: undefined,
      mailsPerHour: 10_000,
      redisUrl: undefined,
      corsOrigins: [],
      trustProxy: 0,
      passwordMinLength: 15,
      bcryptCost: 12,
      passwordBreachCheck: 'off',
      sessionTtl: 43_200,
      sessionIdleTtl: 7200,
      auditRetentionDays: 365,
      defaultLocale: 'en',
      logLevel: 'info',
      apiDocs: 'on',
      warnings: [],
    });
  });

  it.each(['', ' ', '\n'])(
    'take %p for "not set", as a line without a value in a compose file',
    (nothing) => {
      const names = [
        'PORT',
        'RESET_COOLDOWN',
        'PUBLIC_URL',
        'SECRET_KEY',
        'ADMINS',
        'MAIL_SERVER',
        'NODE_ENV',
      ];
      expect(readSettings(Object.fromEntries(names.map((name) => [name, nothing])))).toEqual(
        readSettings({}),
      );
    },
  );

  it('know nothing of other variables', () => {
    expect(readSettings({ PORTS: '1', constructor: 'x' })).toEqual(readSettings({}));
  });

  it('put links below the public URL, with or without a slash at its end', () => {
    for (const url of ['https://id.example.com', 'https://id.example.com/']) {
      expect(readSettings({ ...NOTHING_EMBEDDED, PUBLIC_URL: url })).toMatchObject({
        publicUrl: 'https://id.example.com',
        resetUrl: 'https://id.example.com/reset_password/{token}',
      });
    }
    expect(readSettings({ PORT: '4000' }).publicUrl).toBe('http://localhost:4000');
    expect(readSettings({ RESET_URL: 'app://reset/{token}' }).resetUrl).toBe('app://reset/{token}');
  });

  it.each([
    ['1', true],
    ['yes', true],
    ['anything', true],
    ['0', false],
    ['false', false],
    ['OFF', false],
    ['no', false],
    [undefined, undefined],
  ])('take MAIL_USE_TLS=%s for %s', (value, mailUseTls) => {
    expect(readSettings({ MAIL_SERVER: 'smtp.example.com', MAIL_USE_TLS: value })).toMatchObject({
      mailUseTls,
    });
  });

  it.each(['smtp.example.com', 'smtp', '203.0.113.7', '::1', '2001:db8::25', 'b\u00fccher.example'])(
    'take %s for a mail server',
    (mailServer) => expect(readSettings({ MAIL_SERVER: mailServer })).toMatchObject({ mailServer }),
  );

  it.each<[string, Variables, string | undefined]>([
    ['MAIL_EHLO_NAME', { MAIL_EHLO_NAME: 'mail.b\u00fccher.example' }, 'mail.xn--bcher-kva.example'],
    ['an address literal', { MAIL_EHLO_NAME: '[192.0.2.1]' }, '[192.0.2.1]'],
    ['the host of PUBLIC_URL', { PUBLIC_URL: 'https://id.example.com' }, 'id.example.com'],
    ['none for a host without a domain', { PUBLIC_URL: 'http://localhost:3000' }, undefined],
    ['none for an address', { PUBLIC_URL: 'https://203.0.113.7' }, undefined],
  ])('greet the mail server by %s', (_, variables, mailEhloName) => {
    expect(readSettings({ ...NOTHING_EMBEDDED, ...variables }).mailEhloName).toBe(mailEhloName);
  });

  it('write the host of links as A-labels', () => {
    const PUBLIC_URL = 'https://b\u00fccher.example:8443';
    expect(readSettings({ ...NOTHING_EMBEDDED, PUBLIC_URL })).toMatchObject({
      publicUrl: 'https://xn--bcher-kva.example:8443',
      resetUrl: 'https://xn--bcher-kva.example:8443/reset_password/{token}',
    });
    const RESET_URL = 'https://app.b\u00fccher.example/#/reset?t={token}';
    expect(readSettings({ RESET_URL }).resetUrl).toBe('https://app.xn--bcher-kva.example/#/reset?t={token}');
  });

  it('read lists', () => {
    expect(
      readSettings({
        ADMINS: ' first@example.com , second@example.com,',
        SECRET_KEY_PREVIOUS: `${GOOD_SECRET},${GOOD_SECRET}x`,
        PASSWORD_PEPPER_PREVIOUS: 'salt, mill',
      }),
    ).toMatchObject({
      admins: ['first@example.com', 'second@example.com'],
      previousSecretKeys: [GOOD_SECRET, `${GOOD_SECRET}x`],
      previousPeppers: ['salt', 'mill'],
    });
  });

  it('serve the description of the API where development or the operator wants it', () => {
    expect(readSettings({ API_DOCS: 'off' }).apiDocs).toBe('off');
    expect(readSettings({ ...PRODUCTION, API_DOCS: 'on' }).apiDocs).toBe('on');
  });
});
