import { Module } from '@nestjs/common';
import { configurableModule } from '../common';
import { LinksModule } from '../links';
import { AuthController } from './auth.controller';
import { AuthGuard } from './auth.guard';
import { AuthOptions } from './auth.options';
import { AuthService } from './auth.service';
import { LoginThrottle } from './login-throttle';
import { MeController } from './me.controller';
import { SessionStore } from './session-store';
import { SessionService } from './session.service';
import { SessionsController } from './sessions.controller';
import { SignInNotifier } from './sign-in-notifier';
import { TypeOrmSessionStore } from './typeorm-session-store';

const { ConfigurableModuleClass, optionsProvider } = configurableModule(AuthOptions);

/** Sign-in with sessions that the server can end. Port to replace: {@link SessionStore}. */
@Module({
  imports: [LinksModule],
  controllers: [AuthController, MeController, SessionsController],
  providers: [
    optionsProvider,
    AuthService,
    AuthGuard,
    LoginThrottle,
    SessionService,
    SignInNotifier,
    { provide: SessionStore, useClass: TypeOrmSessionStore },
  ],
  exports: [AuthService, AuthGuard],
})
export class AuthModule extends ConfigurableModuleClass {}
