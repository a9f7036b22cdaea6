// The harness's end of inject.cjs.
import { once } from 'node:events';
import { join } from 'node:path';
import { delay } from './time.mjs';

/** What can happen to a step. */
export const HOW = ['throw before', 'throw after', 'hang', 'die before', 'die after'];

const ARMING_MS = 15_000;

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

  /** One fault, at the given step of the next request or job. @returns whether the server has heard of it */
  async arm(plan) {
    const heard = once(this.child, 'message').then(() => true);
    const ended = once(this.child, 'exit').then(() => false);
    this.child.send({ arm: plan }, () => undefined);
    return Promise.race([heard, ended, delay(ARMING_MS, false)]);
  }
}
