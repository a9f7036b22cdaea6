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
import { Draining } from './draining';
import type { Settings } from './env';
import { HealthController } from './health.controller';
import { JobsModule } from './jobs';
import { LimitsModule } from './limits';
import { Mailbox, MailboxModule, MailModule } from './mail';
import { PagesModule } from './pages';
import { PasswordResetModule } from './password-reset';
import { RegistrationModule } from './registration';
import { latchkeyEntities } from './schema';
import { UsersModule } from './users';

/** Settings of which nothing is left to be found out: what was not set has been made or started. */
export type ResolvedSettings = Settings & { secretKey: string; database: { url: string } };

/** The whole server. A host that wants parts of it imports these modules in the same way. */
@Module({})
export class AppModule {
  static with(settings: ResolvedSettings): DynamicModule {
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
        DatabaseModule.forRoot({ ...settings.database, entities: latchkeyEntities }),
        JobsModule.forRoot({ work: settings.role !== 'web', stopGraceSeconds: stopGrace(settings) }),
        AuditModule.forRoot({ retentionDays: settings.auditRetentionDays }),
        LimitsModule.forRoot({ perMinute: settings.limitPerMinute, redisUrl: settings.redisUrl }),
        mailModule(settings),
        UsersModule.forRoot({
          passwordMinLength: settings.passwordMinLength,
          contextWords: [settings.appName, new URL(settings.publicUrl).hostname],
          passwordBreachCheck: settings.passwordBreachCheck,
          bcryptCost: settings.bcryptCost,
          pepper: settings.pepper,
          previousPeppers: settings.previousPeppers,
        }),
        AuthModule.forRoot({
          sessionTtlSeconds: settings.sessionTtl,
          sessionIdleTtlSeconds: settings.sessionIdleTtl,
          requestUrl: `${settings.publicUrl}/reset_password_request`,
        }),
        PasswordResetModule.forRoot({
          resetUrl: settings.resetUrl,
          requestUrl: `${settings.publicUrl}/reset_password_request`,
          disavowUrl: `${settings.publicUrl}/not_me/{token}`,
          tokenTtlSeconds: settings.resetTokenTtl,
          cooldownSeconds: settings.resetCooldown,
          mailsPerHour: settings.resetMailsPerHour,
          quietPeriodSeconds: settings.resetQuietPeriod,
        }),
        AccountModule.forRoot({
          confirmUrl: `${settings.publicUrl}/confirm_email/{token}`,
          cancelUrl: `${settings.publicUrl}/cancel_email/{token}`,
          requestUrl: `${settings.publicUrl}/reset_password_request`,
        }),
        RegistrationModule.forRoot({
          verifyUrl: `${settings.publicUrl}/verify_email/{token}`,
          requestUrl: `${settings.publicUrl}/reset_password_request`,
        }),
        PagesModule.forRoot({
          publicUrl: settings.publicUrl,
          appName: settings.appName,
          passwordMinLength: settings.passwordMinLength,
        }),
        TerminusModule.forRoot({ logger: false }),
      ],
      controllers: [HealthController],
      providers: [Draining, { provide: APP_GUARD, useExisting: AuthGuard }],
    };
  }
}

/** The adapter's own id of a request, where it gives one: the access log has it too. */
function requestId({ id }: { id?: string }): string {
  return id ?? randomUUID();
}

/** Seconds for jobs at a stop: of the 28 after which the process ends in any case, 3 are for what comes after them. */
function stopGrace({ shutdownDelay }: Settings): number {
  return Math.min(20, 25 - shutdownDelay);
}

function mailModule({ mail, sender, appName, mailsPerHour }: Settings): DynamicModule {
  const identity = { from: sender, appName, mailsPerHour };
  if (mail) return MailModule.forRoot({ ...mail, ...identity });
  return MailModule.forRootAsync({
    imports: [MailboxModule],
    inject: [Mailbox],
    useFactory: async (mailbox: Mailbox) => {
      const { host, port } = await mailbox.listen();
      return { server: host, port, ...identity };
    },
  });
}
