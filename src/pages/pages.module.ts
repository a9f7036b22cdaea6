import { Module } from '@nestjs/common';
import { configurableModule } from '../common';
import { ProblemFilter } from '../http';
import { AccountController } from './account.controller';
import { AssetsController } from './assets.controller';
import { CancelEmailController } from './cancel-email.controller';
import { ChangeEmailController } from './change-email.controller';
import { ChangePasswordController } from './change-password.controller';
import { ConfirmEmailController } from './confirm-email.controller';
import { PageCookies } from './cookies';
import { Continuation } from './continuation';
import { Csrf } from './csrf';
import { CutLinksController } from './cut-links.controller';
import { EndSessionController } from './end-session.controller';
import { Flash } from './flash';
import { FormAgain } from './form-again';
import { IndexController } from './index.controller';
import { LoginController } from './login.controller';
import { LogoutController } from './logout.controller';
import { NotMeController } from './not-me.controller';
import { PageExceptionFilter } from './page-exception.filter';
import { PageSessions } from './page-sessions';
import { Pages } from './pages';
import { PagesOptions } from './pages.options';
import { RegisterController } from './register.controller';
import { ResetPasswordController } from './reset-password.controller';
import { ResetPasswordRequestController } from './reset-password-request.controller';
import { VerifyEmailController } from './verify-email.controller';

const { ConfigurableModuleClass, optionsProvider } = configurableModule<PagesOptions, 'publicUrl'>(
  PagesOptions,
);

/** Registration, sign-in, password reset and the account as pages without scripts. Needs Fastify with `@fastify/cookie`. */
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
    EndSessionController,
    ChangePasswordController,
    ChangeEmailController,
    ConfirmEmailController,
    CancelEmailController,
    CutLinksController,
    AssetsController,
  ],
  providers: [
    optionsProvider,
    PageCookies,
    PageSessions,
    Csrf,
    Continuation,
    Flash,
    Pages,
    FormAgain,
    ProblemFilter,
    PageExceptionFilter,
  ],
  exports: [PageExceptionFilter],
})
export class PagesModule extends ConfigurableModuleClass {}
