import { Module } from '@nestjs/common';
import { configurableModule } from '../common';
import { PasswordResetController } from './password-reset.controller';
import { PasswordResetHooks } from './password-reset.hooks';
import { PasswordResetOptions } from './password-reset.options';
import { PasswordResetService } from './password-reset.service';
import { PasswordResetStore } from './password-reset-store';
import { PasswordResetWorker } from './password-reset.worker';
import { ResetLink } from './reset-link';
import { TypeOrmPasswordResetStore } from './typeorm-password-reset-store';

const { ConfigurableModuleClass, optionsProvider } = configurableModule<
  PasswordResetOptions,
  'resetUrl' | 'requestUrl'
>(PasswordResetOptions);

/** Password reset by mail. Ports to replace: {@link PasswordResetStore}, {@link PasswordResetHooks}. */
@Module({
  controllers: [PasswordResetController],
  providers: [
    optionsProvider,
    PasswordResetService,
    PasswordResetWorker,
    PasswordResetHooks,
    ResetLink,
    { provide: PasswordResetStore, useClass: TypeOrmPasswordResetStore },
  ],
  exports: [PasswordResetService],
})
export class PasswordResetModule extends ConfigurableModuleClass {}
