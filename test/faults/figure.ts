import type { Machine } from './machine';
import type { Row, Say } from './report';
import type { Seeded } from './seeded';
import type { World } from './world';

export interface Profile {
  quick: boolean;
  say: Say;
  random: Seeded;
  machine: Machine;
}

/** One way to break the program, and what must hold all the same. */
export interface Figure<State> {
  id: string;
  title: string;
  /** Part of `--quick`: the promises that nothing else proves. */
  quick?: boolean;
  /** After this it has failed: for what hangs. */
  limitSeconds: { quick: number; full: number };
  /** The place of `alone` among the others that run alone. */
  turn?: number;
  /** What must run, or be measured, while nothing else runs. `run` gets what it returns. */
  alone?: (world: World, profile: Profile) => Promise<State>;
  run(world: World, profile: Profile, state: State): Promise<Row[]>;
}

/** Infers what `alone` hands to `run`. */
export function figure<State = undefined>(figure: Figure<State>): Figure<unknown> {
  return figure;
}
