// The harness's end of inject.cjs.
import { once } from 'node:events';
import { join } from 'node:path';
import { within } from './time.mjs';

/** What can happen to a step. */
export const HOW = ['throw before', 'throw after', 'hang', 'die before', 'die after'];

export class Faults {
  static preload = join(import.meta.dirname, 'inject.cjs');
  /** The step at which it has happened, once it has. */
  fired = undefined;

  /** @param server was started with the preload */
  constructor(server) {
    this.child = server.child;
    this.child.on('message', (message) => {
      if (message.fired) this.fired = message.fired;
    });
  }

  /** One fault, at the given step of the next request or job. */
  async arm(plan) {
    const armed = once(this.child, 'message');
    this.child.send({ arm: plan });
    await within(5000, 'arming', () => armed);
  }
}
