import { Module } from '@nestjs/common';
import { configurableModule } from '../common';
import { AccountController } from './account.controller';
import { AccountOptions } from './account.options';
import { EmailChangeController } from './email-change.controller';
import { EmailChangeLinks } from './email-change-links';
import { EmailChangeService } from './email-change.service';
import { EmailChangeStore } from './email-change-store';
import { EmailChangeWorker } from './email-change.worker';
import { PasswordChangeService } from './password-change.service';
import { TypeOrmEmailChangeStore } from './typeorm-email-change-store';

const { ConfigurableModuleClass, optionsProvider } = configurableModule<
  AccountOptions,
  'confirmUrl' | 'cancelUrl' | 'requestUrl'
>(AccountOptions);

/** What people who are signed in change about their account: password and address. Port to replace: {@link EmailChangeStore}. */
@Module({
  controllers: [AccountController, EmailChangeController],
  providers: [
    optionsProvider,
    PasswordChangeService,
    EmailChangeService,
    EmailChangeWorker,
    EmailChangeLinks,
    { provide: EmailChangeStore, useClass: TypeOrmEmailChangeStore },
  ],
  exports: [PasswordChangeService, EmailChangeService],
})
export class AccountModule extends ConfigurableModuleClass {}
