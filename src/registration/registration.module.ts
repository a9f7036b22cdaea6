import { Module } from '@nestjs/common';
import { configurableModule } from '../common';
import { RepeatedConfirmations } from '../limits';
import { LinksModule } from '../links';
import { RegistrationCleanup } from './registration.cleanup';
import { RegistrationController } from './registration.controller';
import { RegistrationLink } from './registration.link';
import { RegistrationOptions } from './registration.options';
import { RegistrationService } from './registration.service';
import { RegistrationStore } from './registration-store';
import { RegistrationWorker } from './registration.worker';
import { TypeOrmRegistrationStore } from './typeorm-registration-store';

const { ConfigurableModuleClass, optionsProvider } = configurableModule<
  RegistrationOptions,
  'verifyUrl' | 'requestUrl'
>(RegistrationOptions);

/** Registration by mail. Port to replace: {@link RegistrationStore}. */
@Module({
  imports: [LinksModule],
  controllers: [RegistrationController],
  providers: [
    optionsProvider,
    RegistrationService,
    RepeatedConfirmations,
    RegistrationLink,
    RegistrationWorker,
    RegistrationCleanup,
    { provide: RegistrationStore, useClass: TypeOrmRegistrationStore },
  ],
  exports: [RegistrationService],
})
export class RegistrationModule extends ConfigurableModuleClass {}
