import { Module } from '@nestjs/common';
import { configurableModule } from '../common';
import { RegistrationController } from './registration.controller';
import { RegistrationHousekeeping } from './registration.housekeeping';
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
  controllers: [RegistrationController],
  providers: [
    optionsProvider,
    RegistrationService,
    RegistrationWorker,
    RegistrationHousekeeping,
    { provide: RegistrationStore, useClass: TypeOrmRegistrationStore },
  ],
  exports: [RegistrationService],
})
export class RegistrationModule extends ConfigurableModuleClass {}
