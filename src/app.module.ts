import { DynamicModule, Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { TerminusModule } from '@nestjs/terminus';
import { ClsModule } from 'nestjs-cls';
import { randomUUID } from 'node:crypto';
import { AccountModule } from './account';
import { AuditModule } from './audit';
import { AuthGuard, AuthModule } from './auth';
import { Clock, CommonModule } from './common';
import { DatabaseClock, DatabaseModule } from './database';
import { DatabaseReadiness } from './server/database-readiness';
import { Draining } from './server/draining';
import type { Settings } from './server/settings';
import { HealthController } from './server/health.controller';
import { JobsModule } from './jobs';
import { LimitsModule } from './limits';
import { Mailbox, MailboxModule, MailModule } from './mail';
import { PagesModule } from './pages';
import { PasswordResetModule } from './password-reset';
import { RegistrationModule } from './registration';
import { latchkeyEntities } from './migrate';
import { UsersModule } from './users';

/** Settings with nothing left open: what was not set has been created or started. */
export type ResolvedSettings = Settings & { secretKey: string; databaseUrl: string };

/** The whole server. A host that wants parts of it imports these modules in the same way. */
@Module({})
export class AppModule {
  static with(settings: ResolvedSettings): DynamicModule {
    const { publicUrl } = settings;
    const requestUrl = `${publicUrl}/reset_password_request`;
    return {
      module: AppModule,
      imports: [
        ClsModule.forRoot({
          global: true,
          middleware: { mount: true, generateId: true, idGenerator: requestId },
        }),
        CommonModule.forRoot({
          secretKey: settings.secretKey,
          previousSecretKeys: settings.previousSecretKeys,
          defaultLocale: settings.defaultLocale,
          overrides: [{ provide: Clock, useClass: DatabaseClock }],
        }),
        DatabaseModule.forRoot({
          url: settings.databaseUrl,
          poolSize: settings.databasePoolSize,
          preparedStatements: settings.databasePrepared === 'on',
          entities: latchkeyEntities,
        }),
        JobsModule.forRoot({ work: settings.role !== 'web', stopGraceSeconds: stopGrace(settings) }),
        AuditModule.forRoot({ retentionDays: settings.auditRetentionDays }),
        LimitsModule.forRoot({
          perMinute: settings.limitPerMinute,
          perHour: settings.limitPerHour,
          redisUrl: settings.redisUrl,
        }),
        mailModule(settings),
        UsersModule.forRoot({
          passwordMinLength: settings.passwordMinLength,
          contextWords: [settings.appName, new URL(publicUrl).hostname],
          passwordBreachCheck: settings.passwordBreachCheck === 'on',
          bcryptCost: settings.bcryptCost,
          pepper: settings.pepper,
          previousPeppers: settings.previousPeppers,
        }),
        AuthModule.forRoot({
          sessionTtlSeconds: settings.sessionTtl,
          sessionIdleTtlSeconds: settings.sessionIdleTtl,
          requestUrl,
        }),
        PasswordResetModule.forRoot({
          resetUrl: settings.resetUrl,
          requestUrl,
          disavowUrl: `${publicUrl}/not_me/{token}`,
          tokenTtlSeconds: settings.resetTokenTtl,
          cooldownSeconds: settings.resetCooldown,
          mailsPerHour: settings.resetMailsPerHour,
          quietPeriodSeconds: settings.resetQuietPeriod,
        }),
        AccountModule.forRoot({
          confirmUrl: `${publicUrl}/confirm_email/{token}`,
          cancelUrl: `${publicUrl}/cancel_email/{token}`,
          requestUrl,
          holdSeconds: settings.emailChangeHold,
        }),
        RegistrationModule.forRoot({
          verifyUrl: `${publicUrl}/verify_email/{token}`,
          requestUrl,
        }),
        PagesModule.forRoot({ publicUrl }),
        TerminusModule.forRoot({ logger: false }),
      ],
      controllers: [HealthController],
      providers: [DatabaseReadiness, Draining, { provide: APP_GUARD, useExisting: AuthGuard }],
    };
  }
}

/** The id that the adapter has given the request, so that the access log has the same. */
function requestId({ id }: { id?: string }): string {
  return id ?? randomUUID();
}

/** Seconds for jobs at a stop: the process ends after 28 in any case, and what comes after the jobs takes up to 3. */
function stopGrace({ shutdownDelay }: Settings): number {
  return Math.min(20, 25 - shutdownDelay);
}

function mailModule(settings: Settings): DynamicModule {
  const { admins, appName, mailsPerHour, mailServer, mailConcurrency: maxConnections } = settings;
  const identity = { from: admins[0]!, appName, mailsPerHour, maxConnections };
  if (mailServer)
    return MailModule.forRoot({
      ...identity,
      server: mailServer,
      port: settings.mailPort,
      useTls: settings.mailUseTls,
      ehloName: settings.mailEhloName,
      username: settings.mailUsername,
      password: settings.mailPassword,
    });
  return MailModule.forRootAsync({
    imports: [MailboxModule],
    inject: [Mailbox],
    useFactory: async (mailbox: Mailbox) => {
      const { host, port } = await mailbox.listen();
      return { server: host, port, ...identity };
    },
  });
}
