import { AsyncLocalStorage } from 'node:async_hooks';

/**
 * One storage for all variables. Before Node 24, each storage that was ever used makes every promise of the process cost
 * more and is never freed, so one for each instance of an application would slow down test runs that start hundreds.
 */
const storage = new AsyncLocalStorage<ReadonlyMap<unknown, unknown>>();

/** A value that travels with asynchronous work, as `AsyncContext.Variable` of TC39 will. */
export class AsyncVariable<Value> {
  /** Does something during which {@link get} returns a value. */
  run<T>(value: Value, work: () => T): T {
    return storage.run(new Map(storage.getStore()).set(this, value), work);
  }

  /** The value of the work under way. */
  get(): Value | undefined {
    return storage.getStore()?.get(this) as Value | undefined;
  }
}
