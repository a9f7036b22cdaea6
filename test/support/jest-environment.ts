import type { JestEnvironmentConfig, EnvironmentContext } from '@jest/environment';
import { TestEnvironment } from 'jest-environment-node';
import { AsyncLocalStorage } from 'node:async_hooks';
import timers from 'node:timers';
import timersPromises from 'node:timers/promises';

const storages = new Set<AsyncLocalStorage<unknown>>();
const run = Reflect.get(AsyncLocalStorage.prototype, 'run') as () => unknown;
AsyncLocalStorage.prototype.run = function (this: AsyncLocalStorage<unknown>, ...parameters: unknown[]) {
  storages.add(this);
  return Reflect.apply(run, this, parameters);
};

/**
 * Runs specs in Node's own realm, as the server runs, not in a realm for each file: packages are then loaded once for all
 * files of a worker (see `jest-runtime.js`), which is most of what loading costs. What a file leaves among the globals, or
 * in the environment, goes with it.
 */
export default class OwnRealmEnvironment extends TestEnvironment {
  private readonly known = new Set(Reflect.ownKeys(globalThis));
  private readonly console = console;
  private readonly exit = Reflect.get(process, 'exit');
  private readonly env = { ...process.env };
  private readonly timers = [timers, timersPromises].map((module) => {
    const { setTimeout, setInterval, setImmediate } = module;
    return [module, { setTimeout, setInterval, setImmediate }] as const;
  });

  constructor(config: JestEnvironmentConfig, context: EnvironmentContext) {
    super(config, context);
    const { moduleMocker, fakeTimersModern } = this;
    this.global = globalThis as unknown as typeof this.global;
    this.moduleMocker = new (moduleMocker!.constructor as new (global: object) => typeof moduleMocker)(
      globalThis,
    );
    this.fakeTimersModern = new (
      fakeTimersModern!.constructor as new (options: object) => typeof fakeTimersModern
    )({ config: config.projectConfig, global: globalThis });
  }

  override async teardown(): Promise<void> {
    await super.teardown();
    for (const key of Reflect.ownKeys(globalThis)) {
      // Decorators have written there what is known of the classes of `src`, which stay loaded.
      if (this.known.has(key) || /Metadata\w*Storage$/.test(String(key))) continue;
      if (Object.getOwnPropertyDescriptor(globalThis, key)!.configurable)
        Reflect.deleteProperty(globalThis, key);
    }
    globalThis.console = this.console;
    process.exit = this.exit;
    // Before Node 24, one that was used makes every promise of the process cost more until then, and Jest uses one a file.
    for (const storage of storages) storage.disable();
    storages.clear();
    // A clock that stands still would stop every wait of the files after this one.
    for (const [module, functions] of this.timers) Object.assign(module, functions);
    for (const name of Object.keys(process.env)) if (!(name in this.env)) delete process.env[name];
    Object.assign(process.env, this.env);
  }
}
