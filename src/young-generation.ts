import { setFlagsFromString } from 'node:v8';

// Loading the modules leaves so much garbage behind that V8 enlarges its young generation, and it never makes that
// smaller again: 25 MiB of an idle server. So until the server is ready it keeps the size it begins with. To be imported
// before anything else.
setFlagsFromString('--semi-space-growth-factor=1');

/** From now on V8 adapts to the load, as it does by default. */
export function letYoungGenerationGrow(): void {
  setFlagsFromString('--semi-space-growth-factor=2');
}
