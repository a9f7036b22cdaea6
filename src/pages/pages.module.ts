import { Module } from '@nestjs/common';
import { configurableModule, ProblemFilter } from '../common';
import { AssetsController } from './assets.controller';
import { PageCookies } from './cookies';
import { Csrf } from './csrf';
import { Flash } from './flash';
import { IndexController } from './index.controller';
import { LoginController } from './login.controller';
import { LogoutController } from './logout.controller';
import { PageExceptionFilter } from './page-exception.filter';
import { PageRenderer } from './page-renderer';
import { PageSessions } from './page-sessions';
import { Pages } from './pages';
import { PagesOptions } from './pages.options';
import { ResetPasswordController } from './reset-password.controller';
import { ResetPasswordRequestController } from './reset-password-request.controller';

const { ConfigurableModuleClass, optionsProvider } = configurableModule<PagesOptions, 'publicUrl'>(
  PagesOptions,
);

/** Sign-in and password reset as plain pages without scripts. Fastify with `@fastify/cookie` only. */
@Module({
  controllers: [
    IndexController,
    LoginController,
    LogoutController,
    ResetPasswordRequestController,
    ResetPasswordController,
    AssetsController,
  ],
  providers: [
    optionsProvider,
    PageCookies,
    PageSessions,
    Csrf,
    Flash,
    PageRenderer,
    Pages,
    ProblemFilter,
    PageExceptionFilter,
  ],
  exports: [PageExceptionFilter],
})
export class PagesModule extends ConfigurableModuleClass {}
