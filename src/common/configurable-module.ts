import {
  ConfigurableModuleAsyncOptions,
  ConfigurableModuleBuilder,
  DynamicModule,
  ForwardReference,
  InjectionToken,
  Provider,
  Type,
} from '@nestjs/common';
import { findProblems } from './setting-rules';

/** A module was given what it does not take; the message names the module, what it was, and the cure, never a value. */
export class OptionsError extends Error {
  override readonly name = 'OptionsError';

  constructor(module: string, problems: string[]) {
    super(problems.map((problem) => `${module}, ${problem}`).join('\n'));
  }
}

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
    .setExtras<ModuleExtras>({ imports: [], overrides: [] }, (definition, { overrides = [], ...extras }) => {
      refuseStrayOverrides(definition.module, overrides);
      return {
        ...definition,
        // Feature modules find each other's services without importing a second, differently configured copy.
        global: true,
        imports: [...imports(), ...(definition.imports ?? []), ...(extras.imports ?? [])],
        providers: [...(definition.providers ?? []), ...overrides],
      };
    })
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

/**
 * An option given as `undefined` means "not given", so it must not hide the default.
 * @throws OptionsError for options that their class does not have, or whose value breaks its rules
 */
function withDefaults<Options extends object>(defaults: new () => Options, given: Partial<Options>): Options {
  const options = new defaults();
  const unknown = Object.keys(given).filter((name) => !Object.hasOwn(options, name));
  const set = Object.entries(given).filter(([, value]) => value !== undefined);
  Object.assign(options, Object.fromEntries(set));
  const problems = [
    ...unknown.map((name) => `${name}: is no option; there are ${Object.keys(new defaults()).join(', ')}`),
    ...findProblems(options).map(([name, problem]) => `${name}: ${problem}`),
  ];
  if (problems.length > 0) throw new OptionsError(moduleNameOf(defaults), problems);
  return options;
}

/** `UsersOptions` are those of `UsersModule`. */
function moduleNameOf(options: { name: string }): string {
  return options.name.replace(/Options$/, 'Module');
}

/** Every provider of ours that can be replaced is one of the module itself: any other would be made and never used. */
function refuseStrayOverrides(module: object, overrides: Provider[]): void {
  const own = new Set((Reflect.getMetadata('providers', module) as Provider[]).map(tokenOf));
  const strays = overrides.map(tokenOf).filter((token) => !own.has(token));
  const { name } = module as { name: string };
  if (strays.length > 0)
    throw new OptionsError(
      name,
      strays.map(
        (token) => `overrides: ${nameOf(token)} is no part of it; give it to the module that it is of`,
      ),
    );
}

function tokenOf(provider: Provider): InjectionToken {
  return typeof provider === 'function' ? provider : provider.provide;
}

function nameOf(token: InjectionToken): string {
  return typeof token === 'function' ? token.name : String(token);
}
