import { IsIn, IsOptional } from 'class-validator';
import {
  BOUNDS,
  IsAppName,
  IsBcryptCost,
  IsDatabaseUrl,
  IsGreetingName,
  IsLinkTemplate,
  IsMailHost,
  IsPublicUrl,
  IsRedisUrl,
  IsStrongSecret,
  IsWholeNumber,
  shippedLocales,
} from '../../common';
import { IsAddressList, IsListableSecret, IsOriginList, Setting } from './setting.decorators';

/**
 * The settings of the server. Each is described here and nowhere else: the start checks what the decorators say, and a test
 * compares `docs/settings.md` and `.env.example` with it.
 */
export class Settings {
  @Setting(
    'NODE_ENV',
    '`production` refuses to start with embedded parts, a missing or weak `SECRET_KEY`, a `PUBLIC_URL` that is not https, or ' +
      'without a real sender in `ADMINS`.',
  )
  @IsIn(['development', 'test', 'production'])
  environment: 'development' | 'test' | 'production' = 'development';

  @Setting('HOST', 'Address to listen on; embedded parts start only where it and `PUBLIC_URL` are local.')
  host: string = '127.0.0.1';

  @Setting('PORT', 'Port to listen on.')
  @IsWholeNumber(...BOUNDS.port)
  port: number = 3000;

  @Setting('ROLE', '`web` answers requests, `worker` sends mails, `all` does both.')
  @IsIn(['all', 'web', 'worker'])
  role: 'all' | 'web' | 'worker' = 'all';

  @Setting(
    'SHUTDOWN_DELAY',
    'Seconds after a `SIGTERM` in which requests are still served, while `/health/ready` answers 503.',
  )
  @IsWholeNumber(0, 20)
  shutdownDelay: number = 3;

  @Setting(
    'PUBLIC_URL',
    'Address under which people reach the server, and the base of every link: a host without a path, never taken from a request.',
    { unset: '`http://localhost:$PORT`', example: 'http://localhost:3000' },
  )
  @IsOptional()
  @IsPublicUrl()
  publicUrl!: string;

  @Setting(
    'RESET_URL',
    'Template of the link in the mail, for a front end of your own: `https://app.example.com/reset#{token}`.',
    {
      unset: '`$PUBLIC_URL/reset_password/{token}`',
      example: '"https://app.example.com/reset#{token}"',
    },
  )
  @IsOptional()
  @IsLinkTemplate()
  resetUrl!: string;

  @Setting(
    'SECRET_KEY',
    'At least 32 bytes of randomness, from which the key for each purpose is derived; make one with `openssl rand -base64 48`.',
    {
      secret: 'key',
      unset: 'created at the first start, kept in `.data/`',
      example: 'replace-me-with-the-output-of-openssl-rand-base64-48',
    },
  )
  @IsOptional()
  @IsListableSecret()
  secretKey?: string;

  @Setting('SECRET_KEY_PREVIOUS', 'Comma list of earlier secrets; what they signed is still accepted.', {
    secret: 'key',
  })
  @IsStrongSecret({ each: true })
  previousSecretKeys: string[] = [];

  @Setting(
    'PASSWORD_PEPPER',
    'Key that passwords are hashed with: without it a stolen table can be attacked at the speed of bcrypt; once it is lost, no ' +
      'password is accepted any more.',
    { secret: 'key' },
  )
  @IsOptional()
  @IsListableSecret()
  pepper?: string;

  // These may be weak: the way to leave a weak pepper behind is to list it here.
  @Setting(
    'PASSWORD_PEPPER_PREVIOUS',
    'Comma list of earlier peppers; a password moves to the current one at its next use.',
    { secret: 'key' },
  )
  previousPeppers: string[] = [];

  @Setting('DATABASE_URL', 'PostgreSQL 14 or later, as `postgres://user:password@host:5432/database`.', {
    secret: 'credential',
    unset: 'an embedded PostgreSQL, kept in `.data/`',
    example: 'postgres://latchkey:password@localhost:5432/latchkey',
  })
  @IsOptional()
  @IsDatabaseUrl()
  databaseUrl?: string;

  @Setting('DATABASE_POOL_SIZE', 'Database connections of each process.')
  @IsWholeNumber(...BOUNDS.poolSize)
  databasePoolSize: number = 10;

  @Setting('DATABASE_PREPARED', '`off` prepares no statements; for poolers that mix up those of others.')
  @IsIn(['on', 'off'])
  databasePrepared: 'on' | 'off' = 'on';

  @Setting('MAIL_SERVER', 'Host of the mail server, without port and brackets: `smtp.example.com`, `::1`.', {
    unset: 'an embedded one, which shows its mails at `/dev/mailbox`',
    example: 'smtp.example.com',
  })
  @IsOptional()
  @IsMailHost()
  mailServer?: string;

  @Setting('MAIL_PORT', 'Port of the mail server; 465 is TLS from the first byte.')
  @IsWholeNumber(...BOUNDS.port)
  mailPort: number = 25;

  @Setting(
    'MAIL_USE_TLS',
    '`1` requires TLS with a valid certificate, as `MAIL_USERNAME` does; `off` never uses TLS.',
    { unset: 'TLS where the mail server offers it' },
  )
  mailUseTls?: boolean;

  @Setting('MAIL_EHLO_NAME', 'Name by which the server introduces itself to the mail server.', {
    unset: 'the host of `PUBLIC_URL`, or else the domain of `ADMINS`',
  })
  @IsOptional()
  @IsGreetingName()
  mailEhloName?: string;

  @Setting('MAIL_USERNAME', 'Account at the mail server.')
  mailUsername?: string;

  @Setting('MAIL_PASSWORD', 'Password of that account.', { secret: 'credential' })
  mailPassword?: string;

  @Setting(
    'MAIL_CONCURRENCY',
    'Mails that each process sends at a time, and its connections to the mail server, which may allow fewer.',
  )
  @IsWholeNumber(...BOUNDS.mailConcurrency)
  mailConcurrency: number = 20;

  @Setting(
    'ADMINS',
    'Comma list of addresses; the first is the sender of every mail, and in production of a domain of yours.',
  )
  @IsAddressList()
  admins: string[] = ['no-reply@localhost'];

  @Setting('APP_NAME', 'Name of the application in pages and mails: `[APP_NAME] Reset Your Password`.')
  @IsAppName()
  appName: string = 'Latchkey';

  @Setting(
    'RESET_TOKEN_TTL',
    'Seconds that a reset link lives, 60 to 86400; with a minute of grace for the hand-over of its mail.',
  )
  @IsWholeNumber(...BOUNDS.resetTokenTtl)
  resetTokenTtl: number = 600;

  @Setting(
    'RESET_COOLDOWN',
    'Seconds in which a second request for the same address sends nothing while its link is alive; `0` switches it off.',
  )
  @IsWholeNumber(...BOUNDS.resetCooldown)
  resetCooldown: number = 60;

  @Setting(
    'RESET_MAILS_PER_HOUR',
    'Reset mails to one account in an hour, a cool-down apart; after them one in the lifetime of a link; `0` switches it off.',
  )
  @IsWholeNumber(...BOUNDS.mailsPerAddress)
  resetMailsPerHour: number = 2;

  @Setting(
    'RESET_QUIET_PERIOD',
    'Seconds without reset mails after the owner has said "this was not me"; `0` switches it off.',
  )
  @IsWholeNumber(...BOUNDS.quietPeriod)
  resetQuietPeriod: number = 3600;

  @Setting(
    'EMAIL_CHANGE_HOLD',
    'Seconds after a reset in which a change of address does not take effect and can be stopped, and after a change in which the former address can undo it; `0` switches both off.',
  )
  @IsWholeNumber(...BOUNDS.emailChangeHold)
  emailChangeHold: number = 86_400;

  @Setting(
    'LIMIT_PER_MINUTE',
    'Requests from one source (an IPv4 address, an IPv6 /64) to each public action in a minute; `0` switches it off.',
  )
  @IsWholeNumber(...BOUNDS.limitPerMinute)
  limitPerMinute: number = 20;

  @Setting('LIMIT_PER_HOUR', 'The same in an hour; `0` switches it off.', {
    unset: 'ten times `LIMIT_PER_MINUTE`',
    example: '200',
  })
  @IsOptional()
  @IsWholeNumber(...BOUNDS.limitPerHour)
  limitPerHour?: number;

  @Setting(
    'MAILS_PER_HOUR',
    'Mails in an hour, to everybody together; those beyond wait, and the log says so; `0` switches it off.',
  )
  @IsWholeNumber(...BOUNDS.mailsPerHour)
  mailsPerHour: number = 10_000;

  @Setting('REDIS_URL', 'Redis server that keeps the counters of the limits.', {
    secret: 'credential',
    unset: 'PostgreSQL keeps them',
    example: 'redis://localhost:6379',
  })
  @IsOptional()
  @IsRedisUrl()
  redisUrl?: string;

  @Setting(
    'CORS_ORIGINS',
    'Comma list of origins whose scripts may call the API, such as `https://app.example.com` or `capacitor://localhost`.',
    { unset: 'none' },
  )
  @IsOriginList()
  corsOrigins: string[] = [];

  @Setting(
    'TRUST_PROXY',
    'Number of proxies in front of the server whose `X-Forwarded-*` headers are trusted.',
  )
  @IsWholeNumber(0, 10)
  trustProxy: number = 0;

  @Setting(
    'PASSWORD_MIN_LENGTH',
    'Characters (code points), 8 to 64; NIST SP 800-63B-4 requires 15 where the password is the only factor.',
  )
  @IsWholeNumber(...BOUNDS.passwordMinLength)
  passwordMinLength: number = 15;

  @Setting(
    'BCRYPT_COST',
    'Each step doubles the work of a hash; 4 to 15, at least 10 in production, and no less than that of any stored hash.',
  )
  @IsBcryptCost()
  bcryptCost: number = 12;

  @Setting(
    'PASSWORD_BREACH_CHECK',
    '`on` looks up new passwords at haveibeenpwned.com, to which only five digits of their hash are sent.',
  )
  @IsIn(['on', 'off'])
  passwordBreachCheck: 'on' | 'off' = 'off';

  @Setting('SESSION_TTL', 'Seconds from sign-in to the end of a session.')
  @IsWholeNumber(...BOUNDS.sessionTtl)
  sessionTtl: number = 43_200;

  @Setting('SESSION_IDLE_TTL', 'Seconds after which an unused session ends.')
  @IsWholeNumber(...BOUNDS.sessionTtl)
  sessionIdleTtl: number = 7200;

  @Setting('AUDIT_RETENTION_DAYS', 'Days for which the audit trail is kept.')
  @IsWholeNumber(...BOUNDS.auditRetentionDays)
  auditRetentionDays: number = 365;

  @Setting(
    'DEFAULT_LOCALE',
    'Language for browsers that accept none of ours, and for mails to people who have chosen none: `en` or `zh-TW`.',
  )
  @IsIn(shippedLocales())
  defaultLocale: string = 'en';

  @Setting('LOG_LEVEL', '`silent`, `fatal`, `error`, `warn`, `info`, `debug` or `trace`.')
  @IsIn(['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'])
  logLevel: string = 'info';

  @Setting(
    'API_DOCS',
    '`on` or `off`: serve `/api/docs` and `/api/openapi.json`; `auto` serves them unless `NODE_ENV` is `production`.',
  )
  @IsIn(['on', 'off', 'auto'])
  apiDocs: 'on' | 'off' | 'auto' = 'auto';

  /** For the log of the start: what is allowed, but perhaps not meant. */
  warnings: string[] = [];
}
