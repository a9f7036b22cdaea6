import { Module } from '@nestjs/common';
import { configurableModule } from '../common';
import { LimitsCheckModule } from '../limits';
import { AuthController } from './auth.controller';
import { AuthGuard } from './auth.guard';
import { AuthOptions } from './auth.options';
import { AuthService } from './auth.service';
import { FailedLogins } from './failed-logins';
import { MeController } from './me.controller';
import { SessionStore } from './session-store';
import { Sessions } from './sessions';
import { SessionsController } from './sessions.controller';
import { SignInNotices } from './sign-in-notices';
import { TypeOrmSessionStore } from './typeorm-session-store';

const { ConfigurableModuleClass, optionsProvider } = configurableModule(AuthOptions);

/** Sign-in with sessions that end on the server. Port to replace: {@link SessionStore}. */
@Module({
  imports: [LimitsCheckModule],
  controllers: [AuthController, MeController, SessionsController],
  providers: [
    optionsProvider,
    AuthService,
    AuthGuard,
    FailedLogins,
    Sessions,
    SignInNotices,
    { provide: SessionStore, useClass: TypeOrmSessionStore },
  ],
  exports: [AuthService, AuthGuard],
})
export class AuthModule extends ConfigurableModuleClass {}
