import { Module } from '@nestjs/common';
import { configurableModule, ProblemFilter } from '../common';
import { AccountController } from './account.controller';
import { AssetsController } from './assets.controller';
import { CancelEmailController } from './cancel-email.controller';
import { ChangeEmailController } from './change-email.controller';
import { ChangePasswordController } from './change-password.controller';
import { ConfirmEmailController } from './confirm-email.controller';
import { PageCookies } from './cookies';
import { Csrf } from './csrf';
import { Flash } from './flash';
import { IndexController } from './index.controller';
import { LinkPages } from './link-pages';
import { LoginController } from './login.controller';
import { LogoutController } from './logout.controller';
import { NotMeController } from './not-me.controller';
import { PageExceptionFilter } from './page-exception.filter';
import { PageRenderer } from './page-renderer';
import { PageSessions } from './page-sessions';
import { Pages } from './pages';
import { PagesOptions } from './pages.options';
import { RegisterController } from './register.controller';
import { ResetPasswordController } from './reset-password.controller';
import { ResetPasswordRequestController } from './reset-password-request.controller';
import { ToldRefusals } from './told-refusals';
import { VerifyEmailController } from './verify-email.controller';

const { ConfigurableModuleClass, optionsProvider } = configurableModule<PagesOptions, 'publicUrl'>(
  PagesOptions,
);

/** Registration, sign-in, password reset and the account as plain pages without scripts. Fastify with `@fastify/cookie` only. */
@Module({
  controllers: [
    IndexController,
    LoginController,
    LogoutController,
    RegisterController,
    VerifyEmailController,
    ResetPasswordRequestController,
    ResetPasswordController,
    NotMeController,
    AccountController,
    ChangePasswordController,
    ChangeEmailController,
    ConfirmEmailController,
    CancelEmailController,
    AssetsController,
  ],
  providers: [
    optionsProvider,
    PageCookies,
    PageSessions,
    Csrf,
    ToldRefusals,
    Flash,
    PageRenderer,
    Pages,
    LinkPages,
    ProblemFilter,
    PageExceptionFilter,
  ],
  exports: [PageExceptionFilter],
})
export class PagesModule extends ConfigurableModuleClass {}
