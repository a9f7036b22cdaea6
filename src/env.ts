import { plainToInstance } from 'class-transformer';
import { validateSync } from 'class-validator';
import { existsSync } from 'node:fs';
import {
  databaseProblems,
  isOn,
  list,
  originProblems,
  productionProblems,
  redisProblems,
  secretProblems,
  senderProblems,
} from './env-checks';
import { Environment } from './environment';

/** What the rest of the program knows of its surroundings. */
export interface Settings {
  production: boolean;
  host: string;
  port: number;
  role: 'all' | 'web' | 'worker';
  shutdownDelay: number;
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
  resetQuietPeriod: number;
  limitPerMinute: number;
  mailsPerHour: number;
  /** `undefined` for counters in PostgreSQL. */
  redisUrl: string | undefined;
  corsOrigins: string[];
  trustProxy: number;
  passwordMinLength: number;
  bcryptCost: number;
  passwordBreachCheck: boolean;
  sessionTtl: number;
  sessionIdleTtl: number;
  auditRetentionDays: number;
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
    ...redisProblems(environment),
    ...originProblems(environment),
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

function toSettings(environment: Environment): Settings {
  const production = environment.NODE_ENV === 'production';
  const publicUrl = (environment.PUBLIC_URL ?? `http://localhost:${environment.PORT}`).replace(/\/$/, '');
  return {
    production,
    host: environment.HOST,
    port: environment.PORT,
    role: environment.ROLE,
    shutdownDelay: environment.SHUTDOWN_DELAY,
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
    resetQuietPeriod: environment.RESET_QUIET_PERIOD,
    limitPerMinute: environment.LIMIT_PER_MINUTE,
    mailsPerHour: environment.MAILS_PER_HOUR,
    redisUrl: environment.REDIS_URL,
    corsOrigins: list(environment.CORS_ORIGINS),
    trustProxy: environment.TRUST_PROXY,
    passwordMinLength: environment.PASSWORD_MIN_LENGTH,
    bcryptCost: environment.BCRYPT_COST,
    passwordBreachCheck: environment.PASSWORD_BREACH_CHECK === 'on',
    sessionTtl: environment.SESSION_TTL,
    sessionIdleTtl: environment.SESSION_IDLE_TTL,
    auditRetentionDays: environment.AUDIT_RETENTION_DAYS,
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
