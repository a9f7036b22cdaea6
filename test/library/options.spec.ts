import { Test } from '@nestjs/testing';
import { getMetadataStorage } from 'class-validator';
import type { Type } from '@nestjs/common';
import {
  AccountModule,
  AuditModule,
  AuthModule,
  Clock,
  CommonModule,
  DatabaseModule,
  JobsModule,
  LimitsModule,
  LimitsOptions,
  MailModule,
  MailOptions,
  PasswordResetModule,
  PasswordResetOptions,
  RegistrationModule,
  UsersModule,
  UsersOptions,
} from '../../src';
import { AccountOptions } from '../../src/account';
import { AuditOptions } from '../../src/audit';
import { AuthOptions } from '../../src/auth';
import { CommonOptions, ConfigurableModule, SystemClock } from '../../src/common';
import { DatabaseOptions } from '../../src/database';
import { JobsOptions } from '../../src/jobs';
import { RegistrationOptions } from '../../src/registration';
import { PagesModule, PagesOptions } from '../../src/pages';
import { InMemoryModule, inMemoryStores, InMemoryUserStore } from '../../src/testing';

type AnyModule = ConfigurableModule<Record<string, unknown>>;
type Options = Record<string, unknown>;

const SECRET = 'k7Qm2Zt9Xw4Lr8Vb1Nc6Hd3Jf5Gs0Py-host';
const LINK = 'https://shop.example.com/x/{token}';
const PAGE = 'https://shop.example.com/forgot';
const wholeNumber = (from: number, to: number) => `must be a whole number from ${from} to ${to}`;

/** Each module with its options class, and the least that it takes. */
const MODULES: [module: unknown, options: new () => object, least: Options][] = [
  [CommonModule, CommonOptions, { secretKey: SECRET }],
  [DatabaseModule, DatabaseOptions, { url: 'postgres://db.example.com/shop' }],
  [JobsModule, JobsOptions, {}],
  [AuditModule, AuditOptions, {}],
  [LimitsModule, LimitsOptions, {}],
  [MailModule, MailOptions, { server: 'smtp.example.com', from: 'no-reply@shop.test' }],
  [UsersModule, UsersOptions, {}],
  [AuthModule, AuthOptions, {}],
  [PasswordResetModule, PasswordResetOptions, { resetUrl: LINK, requestUrl: PAGE }],
  [AccountModule, AccountOptions, { confirmUrl: LINK, cancelUrl: LINK, requestUrl: PAGE }],
  [RegistrationModule, RegistrationOptions, { verifyUrl: LINK, requestUrl: PAGE }],
  [PagesModule, PagesOptions, { publicUrl: 'https://id.example.com' }],
];

/** What a module makes of options at the start of its application, without the rest of it. */
async function optionsOf(module: unknown, given: Options): Promise<object> {
  const [, options] = MODULES.find(([each]) => each === module)!;
  const { providers } = (module as AnyModule).forRoot(given);
  const own = Reflect.getMetadata('providers', module as Type) as { provide?: unknown }[];
  const provider = own.find(({ provide }) => provide === options)!;
  const made = await Test.createTestingModule({ providers: [...providers!, provider as never] }).compile();
  return made.get<object>(options);
}

const inProduction = async (work: () => Promise<unknown>) => {
  const before = process.env['NODE_ENV'];
  process.env['NODE_ENV'] = 'production';
  try {
    await work();
  } finally {
    process.env['NODE_ENV'] = before;
  }
};

describe('the options of every module', () => {
  it.each(MODULES)('%p: have a rule each', (_, options) => {
    const ruled = getMetadataStorage()
      .getTargetValidationMetadatas(options, '', true, false)
      .filter(({ type }) => type !== 'conditionalValidation')
      .map(({ propertyName }) => propertyName);
    expect([...new Set(ruled)].sort()).toEqual(Object.keys(new options()).sort());
  });

  it.each(MODULES)(
    '%p: are taken with the least of them, and with each default said',
    async (module, options, least) => {
      const made = await optionsOf(module, least);
      expect(made).toMatchObject(least);
      await expect(optionsOf(module, { ...new options(), ...least })).resolves.toEqual(made);
    },
  );

  it.each(MODULES)('%p: refuse a name that they do not have', async (module, options, least) => {
    const [known] = Object.keys(new options());
    await expect(optionsOf(module, { ...least, tokenTTLSeconds: undefined })).rejects.toThrow(
      `${(module as Type).name}, tokenTTLSeconds: is no option; there are ${known}`,
    );
  });
});

describe('an option that cannot be stops the start, named with its module and the cure', () => {
  it.each<[unknown, Options, string]>([
    [
      CommonModule,
      { secretKey: undefined },
      'secretKey: must be at least 32 bytes of randomness; make one with',
    ],
    [CommonModule, { secretKey: 'short' }, 'secretKey: must be at least 32 bytes'],
    [
      CommonModule,
      { secretKey: 'change-me-0123456789-abcdefghijklm' },
      'secretKey: must be at least 32 bytes',
    ],
    [CommonModule, { previousSecretKeys: ['short'] }, 'previousSecretKeys: must be at least 32 bytes'],
    [CommonModule, { previousSecretKeys: SECRET }, 'previousSecretKeys: must be a list of texts'],
    [CommonModule, { defaultLocale: '' }, 'defaultLocale: must be a text'],
    [DatabaseModule, { url: undefined }, 'url: must be a URL such as postgres://'],
    [DatabaseModule, { url: 'mysql://db' }, 'url: must be a URL such as postgres://'],
    [DatabaseModule, { poolSize: 1 }, `poolSize: ${wholeNumber(2, 1000)}`],
    [DatabaseModule, { statementTimeoutMs: NaN }, 'statementTimeoutMs: must be a whole number'],
    [JobsModule, { work: 'false' }, 'work: must be true or false'],
    [JobsModule, { pollingSeconds: NaN }, 'pollingSeconds: must be a number from 0.01 to 3600'],
    [JobsModule, { stopGraceSeconds: -1 }, `stopGraceSeconds: ${wholeNumber(0, 3600)}`],
    [AuditModule, { retentionDays: 0 }, `retentionDays: ${wholeNumber(1, 3650)}`],
    [LimitsModule, { perMinute: NaN }, `perMinute: ${wholeNumber(0, 100_000)}`],
    [LimitsModule, { redisUrl: 'localhost:6379' }, 'redisUrl: must be a URL such as redis://localhost:6379'],
    [MailModule, { from: undefined }, 'from: must be one e-mail address'],
    [MailModule, { from: 'The Shop' }, 'from: must be one e-mail address'],
    [MailModule, { server: '' }, 'server: must be a host name'],
    [MailModule, { port: '25' }, `port: ${wholeNumber(1, 65_535)}`],
    [MailModule, { useTls: '0' }, 'useTls: must be true or false'],
    [MailModule, { mailsPerHour: NaN }, `mailsPerHour: ${wholeNumber(0, 10_000_000)}`],
    [MailModule, { appName: '{{token}}' }, 'appName: must be 1 to 100 characters'],
    [UsersModule, { passwordMinLength: NaN }, `passwordMinLength: ${wholeNumber(8, 64)}`],
    [UsersModule, { passwordMinLength: 7 }, `passwordMinLength: ${wholeNumber(8, 64)}`],
    [UsersModule, { passwordMinLength: '15' }, `passwordMinLength: ${wholeNumber(8, 64)}`],
    [UsersModule, { bcryptCost: 3 }, `bcryptCost: ${wholeNumber(4, 15)}`],
    [UsersModule, { pepper: 'salt' }, 'pepper: must be at least 32 bytes of randomness'],
    [UsersModule, { contextWords: 'The Shop' }, 'contextWords: must be a list of texts'],
    [UsersModule, { passwordBreachUrl: 'pwned' }, 'passwordBreachUrl: must be an http(s) URL'],
    [AuthModule, { sessionTtlSeconds: 12.5 }, `sessionTtlSeconds: ${wholeNumber(60, 2_592_000)}`],
    [AuthModule, { failuresPerAccount: -1 }, `failuresPerAccount: ${wholeNumber(0, 100_000)}`],
    [AuthModule, { requestUrl: '/forgot' }, 'requestUrl: must be a URL such as https://example.com/page'],
    [PasswordResetModule, { tokenTtlSeconds: 0 }, `tokenTtlSeconds: ${wholeNumber(60, 86_400)}`],
    [PasswordResetModule, { mailsPerHour: NaN }, `mailsPerHour: ${wholeNumber(0, 1000)}`],
    [PasswordResetModule, { resetUrl: undefined }, 'resetUrl: must be a URL with {token} in it'],
    [PasswordResetModule, { resetUrl: PAGE }, 'resetUrl: must be a URL with {token} in it'],
    [PasswordResetModule, { disavowUrl: PAGE }, 'disavowUrl: must be a URL with {token} in it'],
    [PasswordResetModule, { requestUrl: undefined }, 'requestUrl: must be a URL such as'],
    [AccountModule, { confirmUrl: PAGE }, 'confirmUrl: must be a URL with {token} in it'],
    [AccountModule, { cancelUrl: undefined }, 'cancelUrl: must be a URL with {token} in it'],
    [AccountModule, { changesPerHour: '5' }, `changesPerHour: ${wholeNumber(0, 1000)}`],
    [RegistrationModule, { verifyUrl: '/verify/{token}' }, 'verifyUrl: must be a URL with {token} in it'],
    [RegistrationModule, { unverifiedDays: 0 }, `unverifiedDays: ${wholeNumber(1, 3650)}`],
    [PagesModule, { publicUrl: 'id.example.com' }, 'publicUrl: must be an http(s) URL'],
  ])('%p %p', async (module, wrong, problem) => {
    const [, , least] = MODULES.find(([each]) => each === module)!;
    const { name } = module as Type;
    await expect(optionsOf(module, { ...least, ...wrong })).rejects.toThrow(`${name}, ${problem}`);
  });

  it('each of several, and none with its value, which may be a secret in the wrong place', async () => {
    const wrong = { secretKey: 'hunter2', previousSecretKeys: ['hunter3'], localesDirectory: 4 };
    const failure = await optionsOf(CommonModule, wrong).then(
      () => 'none',
      (error: Error) => error.message,
    );
    const lines = failure.split('\n');
    expect(lines.map((line) => line.split(':')[0])).toEqual(
      ['secretKey', 'previousSecretKeys', 'localesDirectory'].map((name) => `CommonModule, ${name}`),
    );
    expect(failure).not.toMatch(/hunter/);
  });

  it('also where options come from a factory', async () => {
    const users = UsersModule.forRootAsync({
      useFactory: () => ({ passwordMinLength: Number(undefined) }),
      overrides: inMemoryStores.users,
    });
    const imports = [InMemoryModule, CommonModule.forRoot({ secretKey: SECRET }), users];
    await expect(Test.createTestingModule({ imports }).compile()).rejects.toThrow(
      `UsersModule, passwordMinLength: ${wholeNumber(8, 64)}`,
    );
  });
});

describe('production refuses', () => {
  it.each<[string, unknown, Options, string]>([
    ['hashes that are made too fast', UsersModule, { bcryptCost: 4 }, 'bcryptCost: must be at least 10'],
    [
      'links in clear text',
      PasswordResetModule,
      { resetUrl: 'http://x.test/{token}' },
      'resetUrl: must not be an http',
    ],
    ['pages in clear text', PagesModule, { publicUrl: 'http://x.test' }, 'publicUrl: must be an https URL'],
    ['a sender that nobody can be', MailModule, { from: 'no-reply@localhost' }, 'from: must be of a domain'],
  ])('%s, which is good for a test', async (_, module, options, problem) => {
    const [, , least] = MODULES.find(([each]) => each === module)!;
    await expect(optionsOf(module, { ...least, ...options })).resolves.toMatchObject(options);
    await inProduction(() =>
      expect(optionsOf(module, { ...least, ...options })).rejects.toThrow(`${problem}`),
    );
  });

  it('nothing that is right', () =>
    inProduction(() => expect(optionsOf(UsersModule, { bcryptCost: 10 })).resolves.toBeDefined()));
});

describe('an override', () => {
  it('of what its module does not have is an error that names both', () => {
    const stray = () => UsersModule.forRoot({ overrides: [{ provide: Clock, useClass: SystemClock }] });
    expect(stray).toThrow(
      'UsersModule, overrides: Clock is no part of it; give it to the module that it is of',
    );
    expect(() => CommonModule.forRoot({ secretKey: SECRET, overrides: [InMemoryUserStore] })).toThrow(
      'CommonModule, overrides: InMemoryUserStore is no part of it',
    );
    expect(() =>
      AuthModule.forRootAsync({ useFactory: () => ({}), overrides: [{ provide: 'clock', useValue: 1 }] }),
    ).toThrow('AuthModule, overrides: clock is no part of it');
  });

  it('of what its module has takes its place', () => {
    expect(() =>
      CommonModule.forRoot({ secretKey: SECRET, overrides: [{ provide: Clock, useClass: SystemClock }] }),
    ).not.toThrow();
  });
});
