import { setFlagsFromString } from 'node:v8';

// Loading the modules leaves so much garbage that V8 enlarges its young generation, and V8 never shrinks it again: 25 MiB of an
// idle server. So it keeps its initial size until the server is ready. To be imported before anything else.
setFlagsFromString('--semi-space-growth-factor=1');

/** From now on V8 adapts to the load, its default. */
export function letYoungGenerationGrow(): void {
  setFlagsFromString('--semi-space-growth-factor=2');
}
