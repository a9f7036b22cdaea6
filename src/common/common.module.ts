import { Module } from '@nestjs/common';
import { Clock, SystemClock } from './clock';
import { CommonOptions } from './common.options';
import { configurableModule } from './configurable-module';
import { Keyring } from './keyring';
import { SecurityEvents } from './security-events';
import { SignedTokens } from './signed-tokens';
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
    SignedTokens,
    {
      provide: Translations,
      inject: [CommonOptions],
      useFactory: ({ defaultLocale, localesDirectory }: CommonOptions) =>
        new Translations({ defaultLocale, directory: localesDirectory }),
    },
  ],
  exports: [Clock, Keyring, SecurityEvents, SignedTokens, Translations],
})
export class CommonModule extends ConfigurableModuleClass {}
