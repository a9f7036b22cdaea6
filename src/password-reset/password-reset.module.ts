import { Module } from '@nestjs/common';
import { configurableModule } from '../common';
import { RepeatedConfirmations } from '../limits';
import { LinksModule } from '../links';
import { DisavowalLink } from './disavowal.link';
import { DisavowalService } from './disavowal.service';
import { PasswordResetCleanup } from './password-reset.cleanup';
import { PasswordResetController } from './password-reset.controller';
import { PasswordResetHooks } from './password-reset.hooks';
import { PasswordResetOptions } from './password-reset.options';
import { PasswordResetService } from './password-reset.service';
import { PasswordResetStore } from './password-reset-store';
import { PasswordResetWorker } from './password-reset.worker';
import { QuietPeriodStore } from './quiet-period-store';
import { ResetDecisions } from './reset-decisions';
import { ResetLink } from './reset.link';
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
  imports: [LinksModule],
  controllers: [PasswordResetController],
  providers: [
    optionsProvider,
    PasswordResetService,
    PasswordResetWorker,
    ResetDecisions,
    PasswordResetHooks,
    RepeatedConfirmations,
    ResetLink,
    DisavowalService,
    DisavowalLink,
    PasswordResetCleanup,
    { provide: PasswordResetStore, useClass: TypeOrmPasswordResetStore },
    { provide: QuietPeriodStore, useClass: TypeOrmQuietPeriodStore },
  ],
  exports: [PasswordResetService, DisavowalService],
})
export class PasswordResetModule extends ConfigurableModuleClass {}
