import { applyDecorators } from '@nestjs/common';
import {
  IsArray,
  IsBoolean,
  IsInt,
  IsNumber,
  IsString,
  IsUrl,
  Matches,
  Max,
  Min,
  ValidationArguments,
  ValidationOptions,
  validateSync,
} from 'class-validator';
import { isIP } from 'node:net';
import { parseEmailAddress } from './email-address';
import { validator } from './validator';
import { IsEmailAddress } from './validators';

/** Bounds that a variable of the environment and the option of the same meaning share. */
export const BOUNDS = {
  port: [1, 65_535],
  poolSize: [2, 1000],
  resetTokenTtl: [60, 86_400],
  resetCooldown: [0, 3600],
  mailsPerAddress: [0, 1000],
  quietPeriod: [0, 86_400],
  emailChangeHold: [0, 604_800],
  limitPerMinute: [0, 100_000],
  limitPerHour: [0, 1_000_000],
  mailsPerHour: [0, 10_000_000],
  mailConcurrency: [1, 1000],
  passwordMinLength: [8, 64],
  bcryptCost: [4, 15],
  failures: [0, 100_000],
  sessionTtl: [60, 2_592_000],
  auditRetentionDays: [1, 3650],
} as const satisfies Record<string, readonly [minimum: number, maximum: number]>;

export const WEAK_SECRET = 'must be at least 32 bytes of randomness; make one with: openssl rand -base64 48';

/** Property decorator: a whole number, never NaN, a fraction or a string. */
export function IsWholeNumber(minimum: number, maximum: number): PropertyDecorator {
  const message = `must be a whole number from ${minimum} to ${maximum}`;
  return applyDecorators(IsInt({ message }), Min(minimum, { message }), Max(maximum, { message }));
}

/** Property decorator: a number that may have a fraction, never NaN. */
export function IsNumberBetween(minimum: number, maximum: number): PropertyDecorator {
  const message = `must be a number from ${minimum} to ${maximum}`;
  return applyDecorators(IsNumber({}, { message }), Min(minimum, { message }), Max(maximum, { message }));
}

/** Property decorator: `true` or `false`, not a word for one of them. */
export function IsSwitch(): PropertyDecorator {
  return IsBoolean({ message: 'must be true or false' });
}

/** Property decorator: text that is there, such as the name of a folder; it may be left out where the option may. */
export function IsText(): PropertyDecorator {
  return Matches(/\S/, { message: 'must be a text that is not empty' });
}

/** Property decorator: a list of texts. */
export function IsTextList(): PropertyDecorator {
  const message = 'must be a list of texts';
  return applyDecorators(IsArray({ message }), IsString({ each: true, message }));
}

/** Property decorator: scheme, host and, where need be, port and path: other URLs are made from it by adding to its end. */
export function IsPlainUrl(): PropertyDecorator {
  const form = {
    protocols: ['http', 'https'],
    require_protocol: true,
    require_tld: false,
    allow_underscores: true,
    allow_query_components: false,
    allow_fragments: false,
    disallow_auth: true,
  };
  return IsUrl(form, { message: 'must be an http(s) URL such as https://example.com' });
}

/**
 * Property decorator: the address of the pages, as {@link IsPlainUrl}. Pages, redirects and `__Host-` cookies (RFC 6265bis,
 * section 4.1.3.2) are at the root of a host.
 */
export function IsPublicUrl(): PropertyDecorator {
  return applyDecorators(
    IsPlainUrl(),
    Matches(/^(?!https?:\/\/[^/?#]+\/+[^/?#])/i, {
      message: 'must have no path: give the server a host name of its own, such as https://id.example.com',
    }),
  );
}

/** Property decorator, beside {@link IsPlainUrl}: cookies and links need https where they are meant. */
export function IsHttpsInProduction(): PropertyDecorator {
  return InProduction((url) => String(url).startsWith('https://'), 'must be an https URL in production');
}

/** Property decorator: a URL of any scheme, for a page of a site or a screen of an app. */
export function IsPageUrl(): PropertyDecorator {
  const message = 'must be a URL such as https://example.com/page';
  return applyDecorators(Matches(/^[a-z][\w+.-]*:\/\/\S+$/i, { message }), NotInClearText());
}

/** Property decorator: a URL of any scheme, with the place of the token in it. */
export function IsLinkTemplate(): PropertyDecorator {
  const message = 'must be a URL with {token} in it';
  return applyDecorators(Matches(/^[a-z][\w+.-]*:\/\/\S*\{token\}\S*$/i, { message }), NotInClearText());
}

function NotInClearText(): PropertyDecorator {
  return InProduction(
    (url) => !/^http:/i.test(String(url)),
    'must not be an http URL in production; the link would travel in clear text',
  );
}

/** Property decorator: the logarithm of the work of a bcrypt hash. OWASP asks for at least 10; tests may be quicker. */
export function IsBcryptCost(): PropertyDecorator {
  return applyDecorators(
    IsWholeNumber(...BOUNDS.bcryptCost),
    InProduction((cost) => Number(cost) >= 10, 'must be at least 10 in production'),
  );
}

/** Property decorator: how the application calls itself. Braces would be filled in by the texts around it. */
export function IsAppName(): PropertyDecorator {
  return Matches(/^[^\p{Cc}{}]{1,100}$/u, {
    message: 'must be 1 to 100 characters, without control characters and braces',
  });
}

/** Property decorator: name or address of a mail server, and nothing beside it. */
export function IsMailHost(): PropertyDecorator {
  const isHost = (value: unknown) =>
    typeof value === 'string' && (isIP(value) !== 0 || /^[^\s/@:[\]]+$/.test(value));
  return validator(
    'isMailHost',
    isHost,
    'must be a host name or an IP address alone, such as smtp.example.com or ::1; ' +
      'without brackets, and with the port in a setting of its own',
  );
}

/** Property decorator: the name in `EHLO`, or an address literal (RFC 5321, section 4.1.3). */
export function IsGreetingName(): PropertyDecorator {
  return Matches(/^([^\s/@:[\]]+|\[(IPv6:)?[\da-f.:]+\])$/i, {
    message: 'must be a host name such as id.example.com',
  });
}

/** Property decorator: where a PostgreSQL server is. */
export function IsDatabaseUrl(): PropertyDecorator {
  const message =
    'must be a URL such as postgres://user:password@host:5432/database, ' +
    'with # / ? @ % in the password written as %23 %2F %3F %40 %25';
  return validator('isDatabaseUrl', isDatabaseUrl, message);
}

/** What the driver does with any other fails without naming the setting. */
function isDatabaseUrl(value: unknown): boolean {
  try {
    return typeof value === 'string' && /^postgres(ql)?:/.test(decodeURIComponent(new URL(value).href));
  } catch {
    return false;
  }
}

/** Property decorator: where a Redis server is. */
export function IsRedisUrl(): PropertyDecorator {
  return Matches(/^rediss?:\/\/\S+$/, { message: 'must be a URL such as redis://localhost:6379' });
}

/** Property decorator: a secret, or each of a list of secrets, that nobody can guess. */
export function IsStrongSecret(options?: ValidationOptions): PropertyDecorator {
  return validator('isStrongSecret', isStrongSecret, WEAK_SECRET, options);
}

/** Property decorator: a strong secret, or none. */
export function IsPepper(): PropertyDecorator {
  return validator('isPepper', (pepper) => pepper === '' || isStrongSecret(pepper), WEAK_SECRET);
}

/** @returns whether a secret is long enough, and neither made of few characters nor a sample that somebody forgot to replace */
export function isStrongSecret(secret: unknown): secret is string {
  return (
    typeof secret === 'string' &&
    Buffer.byteLength(secret) >= 32 &&
    new Set(secret).size >= 10 &&
    !/change|replace|example|sample|secret[-_ ]?key/i.test(secret)
  );
}

/**
 * Property decorator: what is required beside the other rules in production; a test or a trial need not meet it. Production
 * is what the object itself says, as the settings of the server do, and else what this process is started as.
 */
function InProduction(accepts: (value: unknown) => boolean, message: string): PropertyDecorator {
  const holds = (value: unknown, { object }: ValidationArguments) => {
    // eslint-disable-next-line no-restricted-syntax -- a host has no settings of the server; NODE_ENV is how it says so
    const { environment = process.env['NODE_ENV'] } = object as { environment?: string };
    return environment !== 'production' || accepts(value);
  };
  return validator('inProduction', holds, message);
}

/** Names that mean this machine or nothing (RFC 6761), or no domain at all: receivers refuse mail from there. */
const NO_DOMAIN_OF_MAIL = /@(.+\.)?(localhost|invalid)$|@[^.]+$/;

/** @returns whether mails from an address may reach anybody */
export function isRealSender(address: unknown): boolean {
  const { key } = parseEmailAddress(address) ?? {};
  return key !== undefined && !NO_DOMAIN_OF_MAIL.test(key);
}

/** Property decorator: the address that mails are sent from. */
export function IsSender(): PropertyDecorator {
  return applyDecorators(
    IsEmailAddress(),
    InProduction(isRealSender, 'must be of a domain that mails can come from in production'),
  );
}

/**
 * Checks an object by the decorators of its class.
 * @returns by name of the property what is wrong with it, never its value
 */
export function findProblems(object: object): [property: string, problem: string][] {
  return validateSync(object).map(({ property, constraints = {} }) => [
    property,
    [...new Set(Object.values(constraints))].join(', ').replaceAll(`${property} `, ''),
  ]);
}
