import { applyDecorators } from '@nestjs/common';
import { plainToInstance, Type } from 'class-transformer';
import { IsIn, IsInt, IsOptional, IsString, IsUrl, Matches, Max, Min, validateSync } from 'class-validator';
import { existsSync } from 'node:fs';
import { parseEmailAddress, shippedLocales } from './common';

function WholeNumber(minimum: number, maximum: number): PropertyDecorator {
  const message = `must be a whole number from ${minimum} to ${maximum}`;
  return applyDecorators(
    Type(() => Number),
    IsInt({ message }),
    Min(minimum, { message }),
    Max(maximum, { message }),
  );
}

/** Scheme, host and, where need be, port and path: other URLs are made from it by adding to its end. */
const PLAIN_URL = {
  protocols: ['http', 'https'],
  require_protocol: true,
  require_tld: false,
  allow_underscores: true,
  allow_query_components: false,
  allow_fragments: false,
  disallow_auth: true,
};

/** The environment as it is documented. What a decorator says here is what the start checks. */
class Environment {
  @IsIn(['development', 'test', 'production'])
  NODE_ENV = 'development';

  @IsString()
  HOST = '127.0.0.1';

  @WholeNumber(1, 65_535)
  PORT = 3000;

  @IsIn(['all', 'web', 'worker'])
  ROLE: 'all' | 'web' | 'worker' = 'all';

  @IsOptional()
  @IsUrl(PLAIN_URL, { message: 'must be an http(s) URL such as https://example.com' })
  PUBLIC_URL?: string;

  @IsOptional()
  @Matches(/^[a-z][\w+.-]*:\/\/\S*\{token\}\S*$/i, { message: 'must be a URL with {token} in it' })
  RESET_URL?: string;

  @IsOptional()
  @IsString()
  SECRET_KEY?: string;

  @IsOptional()
  @IsString()
  SECRET_KEY_PREVIOUS?: string;

  @IsOptional()
  @IsString()
  PASSWORD_PEPPER?: string;

  @IsOptional()
  @IsString()
  PASSWORD_PEPPER_PREVIOUS?: string;

  @IsOptional()
  @IsString()
  DATABASE_URL?: string;

  @WholeNumber(2, 1000)
  DATABASE_POOL_SIZE = 10;

  @IsOptional()
  @IsString()
  MAIL_SERVER?: string;

  @WholeNumber(1, 65_535)
  MAIL_PORT = 25;

  @IsOptional()
  @IsString()
  MAIL_USE_TLS?: string;

  @IsOptional()
  @IsString()
  MAIL_USERNAME?: string;

  @IsOptional()
  @IsString()
  MAIL_PASSWORD?: string;

  @IsString()
  ADMINS = 'no-reply@localhost';

  @Matches(/^[^\p{Cc}{}]{1,100}$/u, {
    message: 'must be 1 to 100 characters, without control characters and braces',
  })
  APP_NAME = 'Latchkey';

  @WholeNumber(60, 86_400)
  RESET_TOKEN_TTL = 600;

  @WholeNumber(0, 3600)
  RESET_COOLDOWN = 60;

  @WholeNumber(0, 1000)
  RESET_MAILS_PER_HOUR = 5;

  @WholeNumber(0, 10)
  TRUST_PROXY = 0;

  @WholeNumber(8, 64)
  PASSWORD_MIN_LENGTH = 15;

  @WholeNumber(4, 15)
  BCRYPT_COST = 12;

  @WholeNumber(60, 2_592_000)
  SESSION_TTL = 43_200;

  @IsIn(shippedLocales())
  DEFAULT_LOCALE = 'en';

  @IsIn(['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'])
  LOG_LEVEL = 'info';

  @IsIn(['on', 'off', 'auto'])
  API_DOCS: 'on' | 'off' | 'auto' = 'auto';
}

/** What the rest of the program knows of its surroundings. */
export interface Settings {
  production: boolean;
  host: string;
  port: number;
  role: 'all' | 'web' | 'worker';
  publicUrl: string;
  resetUrl: string;
  /** `undefined` for a key that is made and kept in the data folder. */
  secretKey: string | undefined;
  previousSecretKeys: string[];
  pepper: string;
  previousPeppers: string[];
  database: { url: string | undefined; poolSize: number };
  /** `undefined` for the embedded catcher. */
  mail: { server: string; port: number; useTls: boolean; username?: string; password?: string } | undefined;
  sender: string;
  appName: string;
  resetTokenTtl: number;
  resetCooldown: number;
  resetMailsPerHour: number;
  trustProxy: number;
  passwordMinLength: number;
  bcryptCost: number;
  sessionTtl: number;
  defaultLocale: string;
  logLevel: string;
  apiDocs: boolean;
}

/** The set-up is wrong; the message names every wrong variable and how to mend it, never its value. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';

  constructor(readonly problems: string[]) {
    super(problems.join('\n'));
  }
}

/**
 * Reads and checks the settings of this process: its environment and, for what is not set there, the file `.env` of the
 * working folder.
 * @throws SettingsError
 */
export function loadSettings(): Settings {
  if (existsSync('.env')) process.loadEnvFile('.env');
  return readSettings(process.env);
}

/**
 * Reads and checks settings.
 * @throws SettingsError
 */
export function readSettings(variables: Record<string, string | undefined>): Settings {
  const environment = parse(variables);
  const problems = [
    ...formProblems(environment),
    ...secretProblems(environment),
    ...databaseProblems(environment),
    ...senderProblems(environment),
    ...productionProblems(environment),
  ];
  if (problems.length > 0) throw new SettingsError(problems);
  return toSettings(environment);
}

/** An empty variable counts as one that is not set: that is how compose files and .env files leave things out. */
function parse(variables: Record<string, string | undefined>): Environment {
  const names = Object.keys(new Environment());
  const given = names.filter((name) => variables[name]?.trim()).map((name) => [name, variables[name]]);
  return plainToInstance(Environment, Object.fromEntries(given) as object);
}

function formProblems(environment: Environment): string[] {
  return validateSync(environment).map(
    ({ property, constraints = {} }) =>
      `${property}: ${[...new Set(Object.values(constraints))].join(', ').replaceAll(`${property} `, '')}`,
  );
}

function secretProblems({ SECRET_KEY, SECRET_KEY_PREVIOUS }: Environment): string[] {
  const named = [
    ['SECRET_KEY', SECRET_KEY] as const,
    ...list(SECRET_KEY_PREVIOUS).map((key) => ['SECRET_KEY_PREVIOUS', key] as const),
  ];
  return named.flatMap(([name, secret]) =>
    secret !== undefined && isWeak(secret)
      ? [`${name}: must be at least 32 bytes of randomness; make one with: openssl rand -base64 48`]
      : [],
  );
}

/** Short, made of few different characters, or a sample that somebody forgot to replace. */
function isWeak(secret: string): boolean {
  return (
    Buffer.byteLength(secret) < 32 ||
    new Set(secret).size < 10 ||
    /change|replace|example|sample|secret[-_ ]?key/i.test(secret)
  );
}

function databaseProblems({ DATABASE_URL }: Environment): string[] {
  return DATABASE_URL === undefined || isDatabaseUrl(DATABASE_URL)
    ? []
    : [
        'DATABASE_URL: must be a URL such as postgres://user:password@host:5432/database, ' +
          'with # / ? @ % in the password written as %23 %2F %3F %40 %25',
      ];
}

/** What the driver does with it fails without naming the variable. */
function isDatabaseUrl(text: string): boolean {
  try {
    return /^postgres(ql)?:/.test(decodeURIComponent(new URL(text).href));
  } catch {
    return false;
  }
}

function senderProblems({ ADMINS }: Environment): string[] {
  const addresses = list(ADMINS);
  return addresses.length > 0 && addresses.every((address) => parseEmailAddress(address))
    ? []
    : ['ADMINS: must be a comma list of e-mail addresses'];
}

/** What is good enough to try the program out, and nowhere else. */
function productionProblems(environment: Environment): string[] {
  if (environment.NODE_ENV !== 'production') return [];
  const problems: string[] = [];
  const required = {
    DATABASE_URL: 'a PostgreSQL server',
    MAIL_SERVER: 'a mail server',
    SECRET_KEY: 'openssl rand -base64 48',
  };
  for (const [name, what] of Object.entries(required)) {
    if (!environment[name as keyof Environment])
      problems.push(`${name}: must be set in production (${what})`);
  }
  if (!environment.PUBLIC_URL?.startsWith('https://'))
    problems.push('PUBLIC_URL: must be an https URL in production');
  if (/^http:/i.test(environment.RESET_URL ?? ''))
    problems.push('RESET_URL: must not be an http URL in production; the link would travel in clear text');
  if (environment.BCRYPT_COST < 10) problems.push('BCRYPT_COST: must be at least 10 in production');
  if (environment.MAIL_USERNAME && !isOn(environment.MAIL_USE_TLS)) {
    problems.push('MAIL_USE_TLS: must be set where MAIL_USERNAME is, or the password travels in clear text');
  }
  return problems;
}

function toSettings(environment: Environment): Settings {
  const production = environment.NODE_ENV === 'production';
  const publicUrl = (environment.PUBLIC_URL ?? `http://localhost:${environment.PORT}`).replace(/\/$/, '');
  return {
    production,
    host: environment.HOST,
    port: environment.PORT,
    role: environment.ROLE,
    publicUrl,
    resetUrl: environment.RESET_URL ?? `${publicUrl}/reset_password/{token}`,
    secretKey: environment.SECRET_KEY,
    previousSecretKeys: list(environment.SECRET_KEY_PREVIOUS),
    pepper: environment.PASSWORD_PEPPER ?? '',
    previousPeppers: list(environment.PASSWORD_PEPPER_PREVIOUS),
    database: { url: environment.DATABASE_URL, poolSize: environment.DATABASE_POOL_SIZE },
    mail: mailSettings(environment),
    sender: list(environment.ADMINS)[0]!,
    appName: environment.APP_NAME,
    resetTokenTtl: environment.RESET_TOKEN_TTL,
    resetCooldown: environment.RESET_COOLDOWN,
    resetMailsPerHour: environment.RESET_MAILS_PER_HOUR,
    trustProxy: environment.TRUST_PROXY,
    passwordMinLength: environment.PASSWORD_MIN_LENGTH,
    bcryptCost: environment.BCRYPT_COST,
    sessionTtl: environment.SESSION_TTL,
    defaultLocale: environment.DEFAULT_LOCALE,
    logLevel: environment.LOG_LEVEL,
    apiDocs: environment.API_DOCS === 'on' || (environment.API_DOCS === 'auto' && !production),
  };
}

function mailSettings(environment: Environment): Settings['mail'] {
  if (!environment.MAIL_SERVER) return undefined;
  return {
    server: environment.MAIL_SERVER,
    port: environment.MAIL_PORT,
    useTls: isOn(environment.MAIL_USE_TLS),
    username: environment.MAIL_USERNAME,
    password: environment.MAIL_PASSWORD,
  };
}

/** Set to anything means on, as in Flask's configuration of the same name; only the usual words for "no" mean off. */
function isOn(value: string | undefined): boolean {
  return value !== undefined && !/^(0|false|no|off)$/i.test(value);
}

function list(value: string | undefined): string[] {
  return (value ?? '')
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean);
}
