import { Module } from '@nestjs/common';
import { Clock, SystemClock } from './clock';
import { CommonOptions } from './common.options';
import { configurableModule } from './configurable-module';
import { Keyring } from './keyring';
import { SampledEvents } from './sampled-events';
import { SecurityEvents } from './security-events';
import { Translations } from './translations';

const { ConfigurableModuleClass, optionsProvider } = configurableModule<CommonOptions, 'secretKey'>(
  CommonOptions,
);

/** Time, keys and texts, for every other module. */
@Module({
  providers: [
    optionsProvider,
    { provide: Clock, useClass: SystemClock },
    {
      provide: Keyring,
      inject: [CommonOptions],
      useFactory: (options: CommonOptions) => new Keyring(options),
    },
    SecurityEvents,
    SampledEvents,
    {
      provide: Translations,
      inject: [CommonOptions],
      useFactory: ({ defaultLocale, localesDirectory }: CommonOptions) =>
        new Translations({ defaultLocale, directory: localesDirectory }),
    },
  ],
  exports: [Clock, Keyring, SampledEvents, SecurityEvents, Translations],
})
export class CommonModule extends ConfigurableModuleClass {}
