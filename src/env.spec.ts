import { readSettings, SettingsError } from './env';

const GOOD_SECRET = 'k7Qm2Zt9Xw4Lr8Vb1Nc6Hd3Jf5Gs0Py/';
const PRODUCTION = {
  NODE_ENV: 'production',
  PUBLIC_URL: 'https://id.example.com',
  SECRET_KEY: GOOD_SECRET,
  DATABASE_URL: 'postgres://latchkey:pw@db.example.com/latchkey',
  MAIL_SERVER: 'smtp.example.com',
  ADMINS: 'no-reply@example.com',
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
    ['with a mail password in clear text', { MAIL_USERNAME: 'susan' }, 'MAIL_USE_TLS: must be set where'],
    [
      'with TLS for mail switched off in words',
      { MAIL_USERNAME: 'susan', MAIL_USE_TLS: 'false' },
      'MAIL_USE_TLS: must be set where',
    ],
  ])('%s', (_, variables, problem) => {
    expect(problemsOf({ ...PRODUCTION, ...variables })).toEqual([expect.stringContaining(problem)]);
  });

  it('on any of the above before each of them is mended', () => {
    const named = problemsOf({ NODE_ENV: 'production', BCRYPT_COST: '9', SESSION_TTL: 'long' }).map(
      (problem) => problem.split(':')[0],
    );
    expect(named.sort()).toEqual([
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
      production: true,
      publicUrl: 'https://id.example.com',
      resetUrl: 'https://id.example.com/reset_password/{token}',
      sender: 'no-reply@example.com',
      apiDocs: false,
      trustProxy: 0,
    });
    expect(problemsOf({ ...PRODUCTION, RESET_URL: 'https://app.example.com/reset#{token}' })).toEqual([]);
    expect(problemsOf({ ...PRODUCTION, MAIL_USERNAME: 'susan', MAIL_USE_TLS: '1' })).toEqual([]);
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

describe('the settings', () => {
  it('have the documented defaults', () => {
    expect(readSettings({})).toEqual({
      production: false,
      host: '127.0.0.1',
      port: 3000,
      role: 'all',
      shutdownDelay: 3,
      publicUrl: 'http://localhost:3000',
      resetUrl: 'http://localhost:3000/reset_password/{token}',
      secretKey: undefined,
      previousSecretKeys: [],
      pepper: '',
      previousPeppers: [],
      database: { url: undefined, poolSize: 10 },
      mail: undefined,
      sender: 'no-reply@localhost',
      appName: 'Latchkey',
      resetTokenTtl: 600,
      resetCooldown: 60,
      resetMailsPerHour: 5,
      resetQuietPeriod: 3600,
      limitPerMinute: 20,
      mailsPerHour: 10_000,
      redisUrl: undefined,
      corsOrigins: [],
      trustProxy: 0,
      passwordMinLength: 15,
      bcryptCost: 12,
      passwordBreachCheck: false,
      sessionTtl: 43_200,
      sessionIdleTtl: 7200,
      auditRetentionDays: 365,
      defaultLocale: 'en',
      logLevel: 'info',
      apiDocs: true,
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
    for (const url of ['https://example.com/id', 'https://example.com/id/']) {
      expect(readSettings({ PUBLIC_URL: url })).toMatchObject({
        publicUrl: 'https://example.com/id',
        resetUrl: 'https://example.com/id/reset_password/{token}',
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
    [undefined, false],
  ])('take MAIL_USE_TLS=%s for %s', (value, useTls) => {
    expect(readSettings({ MAIL_SERVER: 'smtp.example.com', MAIL_USE_TLS: value }).mail).toMatchObject({
      useTls,
    });
  });

  it('read lists', () => {
    expect(
      readSettings({
        ADMINS: ' first@example.com , second@example.com,',
        SECRET_KEY_PREVIOUS: `${GOOD_SECRET},${GOOD_SECRET}x`,
        PASSWORD_PEPPER_PREVIOUS: 'salt, mill',
      }),
    ).toMatchObject({
      sender: 'first@example.com',
      previousSecretKeys: [GOOD_SECRET, `${GOOD_SECRET}x`],
      previousPeppers: ['salt', 'mill'],
    });
  });

  it('serve the description of the API where development or the operator wants it', () => {
    expect(readSettings({ API_DOCS: 'off' }).apiDocs).toBe(false);
    expect(readSettings({ ...PRODUCTION, API_DOCS: 'on' }).apiDocs).toBe(true);
  });
});
