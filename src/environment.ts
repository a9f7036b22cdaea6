import { applyDecorators } from '@nestjs/common';
import { Type } from 'class-transformer';
import { IsIn, IsInt, IsOptional, IsString, IsUrl, Matches, Max, Min } from 'class-validator';
import { shippedLocales } from './common';

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
export class Environment {
  @IsIn(['development', 'test', 'production'])
  NODE_ENV = 'development';

  @IsString()
  HOST = '127.0.0.1';

  @WholeNumber(1, 65_535)
  PORT = 3000;

  @IsIn(['all', 'web', 'worker'])
  ROLE: 'all' | 'web' | 'worker' = 'all';

  @WholeNumber(0, 20)
  SHUTDOWN_DELAY = 3;

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
  @Matches(/^[^\s/@]+$/, { message: 'must be a host name such as smtp.example.com' })
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

  @WholeNumber(0, 86_400)
  RESET_QUIET_PERIOD = 3600;

  @WholeNumber(0, 100_000)
  LIMIT_PER_MINUTE = 20;

  @WholeNumber(0, 10_000_000)
  MAILS_PER_HOUR = 10_000;

  @IsOptional()
  @IsString()
  REDIS_URL?: string;

  @IsOptional()
  @IsString()
  CORS_ORIGINS?: string;

  @WholeNumber(0, 10)
  TRUST_PROXY = 0;

  @WholeNumber(8, 64)
  PASSWORD_MIN_LENGTH = 15;

  @WholeNumber(4, 15)
  BCRYPT_COST = 12;

  @IsIn(['on', 'off'])
  PASSWORD_BREACH_CHECK: 'on' | 'off' = 'off';

  @WholeNumber(60, 2_592_000)
  SESSION_TTL = 43_200;

  @WholeNumber(60, 2_592_000)
  SESSION_IDLE_TTL = 7200;

  @WholeNumber(1, 3650)
  AUDIT_RETENTION_DAYS = 365;

  @IsIn(shippedLocales())
  DEFAULT_LOCALE = 'en';

  @IsIn(['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'])
  LOG_LEVEL = 'info';

  @IsIn(['on', 'off', 'auto'])
  API_DOCS: 'on' | 'off' | 'auto' = 'auto';
}
