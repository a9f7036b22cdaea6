import {
  ConfigurableModuleAsyncOptions,
  ConfigurableModuleBuilder,
  DynamicModule,
  ForwardReference,
  Provider,
  Type,
} from '@nestjs/common';

type ModuleImport = Type | DynamicModule | Promise<DynamicModule> | ForwardReference;

/** What every module of ours takes beside its own options. */
export interface ModuleExtras {
  /** Modules whose providers the overrides (or the options factory) need. */
  imports?: ModuleImport[];
  /** Providers that take the place of the module's own: `{ provide: UserStore, useClass: MyUserStore }`. */
  overrides?: Provider[];
}

/** The options of a module as a caller writes them: `Required` ones must be given, the rest have defaults. */
export type OptionsInput<Options, Required extends keyof Options = never> = Partial<Options> &
  Pick<Options, Required>;

/** The static side of a module class. Where every option has a default, `forRoot()` needs none. */
export interface ConfigurableModule<Input, Required = never> {
  new (): object;
  forRoot(
    ...given: [Required] extends [never] ? [options?: Input & ModuleExtras] : [options: Input & ModuleExtras]
  ): DynamicModule;
  forRootAsync(options: ConfigurableModuleAsyncOptions<Input> & ModuleExtras): DynamicModule;
}

/**
 * The `forRoot` / `forRootAsync` pair of a feature module.
 * @param defaults the options class; its field initializers are the defaults, and it is the token to inject them by
 * @param imports gives what the module imports, for one whose mere making has effects, when the module is really used
 */
export function configurableModule<Options extends object, Required extends keyof Options = never>(
  defaults: new () => Options,
  imports: () => ModuleImport[] = () => [],
) {
  type Input = OptionsInput<Options, Required>;
  const { ConfigurableModuleClass: Base, MODULE_OPTIONS_TOKEN } = new ConfigurableModuleBuilder<Input>({
    moduleName: defaults.name,
  })
    .setClassMethodName('forRoot')
    .setExtras<ModuleExtras>({ imports: [], overrides: [] }, (definition, extras) => ({
      ...definition,
      // Feature modules find each other's services without importing a second, differently configured copy.
      global: true,
      imports: [...imports(), ...(definition.imports ?? []), ...(extras.imports ?? [])],
      providers: [...(definition.providers ?? []), ...(extras.overrides ?? [])],
    }))
    .build();
  class ConfigurableModuleClass extends Base {
    static override forRoot(options = {} as Input): DynamicModule {
      return super.forRoot(options);
    }
  }
  const optionsProvider: Provider = {
    provide: defaults,
    inject: [MODULE_OPTIONS_TOKEN],
    useFactory: (given: Input): Options => withDefaults(defaults, given),
  };
  return {
    ConfigurableModuleClass: ConfigurableModuleClass as unknown as ConfigurableModule<Input, Required>,
    optionsProvider,
  };
}

/** An option given as `undefined` means "not given", so it must not hide the default. */
function withDefaults<Options extends object>(defaults: new () => Options, given: Partial<Options>): Options {
  const set = Object.entries(given).filter(([, value]) => value !== undefined);
  return Object.assign(new defaults(), Object.fromEntries(set));
}
