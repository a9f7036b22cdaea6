// The harness's end of inject.ts.
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { delay } from './time';
import type { Server } from './server';

/** What can happen to a step. */
export const HOW = ['throw before', 'throw after', 'hang', 'die before', 'die after'] as const;
export type How = (typeof HOW)[number];

/** A message to the preload: the fault, at which step of the next request or job, and which requests are none of the test. */
export interface Plan {
  step: number;
  how: How;
  hangMs: number;
  ignore: string[];
}

const ARMING_MS = 15_000;

export class Faults {
  static readonly preload = join(__dirname, 'inject.js');
  /** The step at which it has happened, once it has. */
  fired: string | undefined;
  private readonly child: ChildProcess;

  /** @param server was started with the preload */
  constructor(server: Server) {
    this.child = server.child;
    this.child.on('message', (message: { fired?: string }) => {
      if (message.fired) this.fired = message.fired;
    });
  }

  /** One fault, at the given step of the next request or job. @returns whether the server has heard of it */
  async arm(plan: Plan): Promise<boolean> {
    const heard = once(this.child, 'message').then(() => true);
    const ended = once(this.child, 'exit').then(() => false);
    this.child.send({ arm: plan }, () => undefined);
    return Promise.race([heard, ended, delay(ARMING_MS, false)]);
  }
}
