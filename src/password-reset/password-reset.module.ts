import { Module } from '@nestjs/common';
import { configurableModule } from '../common';
import { LimitsCheckModule } from '../limits';
import { DisavowLink } from './disavow-link';
import { Disavowals } from './disavowals';
import { PasswordResetController } from './password-reset.controller';
import { PasswordResetHooks } from './password-reset.hooks';
import { PasswordResetOptions } from './password-reset.options';
import { PasswordResetService } from './password-reset.service';
import { PasswordResetStore } from './password-reset-store';
import { PasswordResetWorker } from './password-reset.worker';
import { QuietPeriodStore } from './quiet-period-store';
import { ResetLink } from './reset-link';
import { TypeOrmPasswordResetStore } from './typeorm-password-reset-store';
import { TypeOrmQuietPeriodStore } from './typeorm-quiet-period-store';

const { ConfigurableModuleClass, optionsProvider } = configurableModule<
  PasswordResetOptions,
  'resetUrl' | 'requestUrl'
>(PasswordResetOptions);

/**
 * Password reset by mail. Ports to replace: {@link PasswordResetStore}, {@link QuietPeriodStore},
 * {@link PasswordResetHooks}.
 */
@Module({
  imports: [LimitsCheckModule],
  controllers: [PasswordResetController],
  providers: [
    optionsProvider,
    PasswordResetService,
    PasswordResetWorker,
    PasswordResetHooks,
    ResetLink,
    Disavowals,
    DisavowLink,
    { provide: PasswordResetStore, useClass: TypeOrmPasswordResetStore },
    { provide: QuietPeriodStore, useClass: TypeOrmQuietPeriodStore },
  ],
  exports: [PasswordResetService],
})
export class PasswordResetModule extends ConfigurableModuleClass {}
