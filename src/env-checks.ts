import { parseEmailAddress } from './common';
import type { Environment } from './environment';

export function secretProblems({ SECRET_KEY, SECRET_KEY_PREVIOUS, PASSWORD_PEPPER }: Environment): string[] {
  return [
    ...problemsOfSecret('SECRET_KEY', SECRET_KEY),
    ...list(SECRET_KEY_PREVIOUS).flatMap((key) => problemsOfSecret('SECRET_KEY_PREVIOUS', key)),
    // PASSWORD_PEPPER_PREVIOUS may be weak: who began with a weak pepper gets away from it only by putting it there.
    ...problemsOfSecret('PASSWORD_PEPPER', PASSWORD_PEPPER),
  ];
}

function problemsOfSecret(name: string, secret: string | undefined): string[] {
  if (secret === undefined) return [];
  const problems = [];
  if (isWeak(secret)) problems.push('must be at least 32 bytes of randomness');
  // A list of previous ones would not hold it: nothing that it has signed or hashed would be accepted after a change.
  if (list(secret)[0] !== secret)
    problems.push('must have no comma in it and no space or line end around it');
  return problems.map((problem) => `${name}: ${problem}; make one with: openssl rand -base64 48`);
}

/** Short, made of few different characters, or a sample that somebody forgot to replace. */
function isWeak(secret: string): boolean {
  return (
    Buffer.byteLength(secret) < 32 ||
    new Set(secret).size < 10 ||
    /change|replace|example|sample|secret[-_ ]?key/i.test(secret)
  );
}

export function databaseProblems({ DATABASE_URL }: Environment): string[] {
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

export function redisProblems({ REDIS_URL }: Environment): string[] {
  return REDIS_URL === undefined || /^rediss?:\/\/[^\s]+$/.test(REDIS_URL)
    ? []
    : ['REDIS_URL: must be a URL such as redis://localhost:6379'];
}

/** Exactly as a browser writes it into `Origin`: anything else would never match, and nobody would know why. */
export function originProblems({ CORS_ORIGINS }: Environment): string[] {
  return list(CORS_ORIGINS).every((origin) => URL.canParse(origin) && new URL(origin).origin === origin)
    ? []
    : [
        'CORS_ORIGINS: must be a comma list of origins such as https://app.example.com, without a path or "*"',
      ];
}

export function senderProblems({ ADMINS }: Environment): string[] {
  const addresses = list(ADMINS);
  return addresses.length > 0 && addresses.every((address) => parseEmailAddress(address))
    ? []
    : ['ADMINS: must be a comma list of e-mail addresses'];
}

/** What is good enough to try the program out, and nowhere else. */
export function productionProblems(environment: Environment): string[] {
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

/** Set to anything means on, as in Flask's configuration of the same name; only the usual words for "no" mean off. */
export function isOn(value: string | undefined): boolean {
  return value !== undefined && !/^(0|false|no|off)$/i.test(value);
}

/** The items of a comma list. */
export function list(value: string | undefined): string[] {
  return (value ?? '')
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean);
}
