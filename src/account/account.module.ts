import { Module } from '@nestjs/common';
import { configurableModule } from '../common';
import { LinksModule } from '../links';
import { AccountController } from './account.controller';
import { AccountOptions } from './account.options';
import { CancelEmailLink } from './cancel-email.link';
import { ConfirmEmailLink } from './confirm-email.link';
import { EmailChangeController } from './email-change.controller';
import { EmailChangeEvents } from './email-change-events';
import { EmailChangeMoves } from './email-change-moves';
import { EmailChangeService } from './email-change.service';
import { EmailChangeStore } from './email-change-store';
import { EmailChangeUndo } from './email-change-undo';
import { EmailChangeWorker } from './email-change.worker';
import { PasswordChangeService } from './password-change.service';
import { RecoveryStore } from './recovery-store';
import { TypeOrmEmailChangeStore } from './typeorm-email-change-store';
import { TypeOrmRecoveryStore } from './typeorm-recovery-store';

const { ConfigurableModuleClass, optionsProvider } = configurableModule<
  AccountOptions,
  'confirmUrl' | 'cancelUrl' | 'requestUrl'
>(AccountOptions);

/**
 * What people who are signed in change about their account: password and address. Ports to replace: {@link EmailChangeStore},
 * {@link RecoveryStore}.
 */
@Module({
  imports: [LinksModule],
  controllers: [AccountController, EmailChangeController],
  providers: [
    optionsProvider,
    PasswordChangeService,
    EmailChangeService,
    EmailChangeWorker,
    ConfirmEmailLink,
    CancelEmailLink,
    EmailChangeMoves,
    EmailChangeUndo,
    EmailChangeEvents,
    { provide: EmailChangeStore, useClass: TypeOrmEmailChangeStore },
    { provide: RecoveryStore, useClass: TypeOrmRecoveryStore },
  ],
  exports: [PasswordChangeService, EmailChangeService],
})
export class AccountModule extends ConfigurableModuleClass {}
