// What must be so after every figure, whatever was done to the program. Each check gives the violations it has seen.
import { accessEnds, changesAreOnRecord, nothing2xxWasLost, oneSuccessEach } from './changes';
import { mailsArrived, noDeadLinks, noStuckJobs, noticesMatch } from './mails';
import { eventsMatch } from './events';
import { nothingConfirms } from './secrets';
import type { World } from '../world';

/** What a check has looked at, and what of it is wrong. */
export interface Finding {
  n: number;
  wrong: string[];
}

export const INVARIANTS: Record<string, (world: World) => Promise<Finding>> = {
  I1: mailsArrived,
  I2: oneSuccessEach,
  I3: changesAreOnRecord,
  I4: accessEnds,
  I5: noStuckJobs,
  I6: noDeadLinks,
  I7: noticesMatch,
  I8: eventsMatch,
  I9: nothing2xxWasLost,
  I10: nothingConfirms,
};

/** @returns what was counted for each, and what was wrong */
export async function checkInvariants(world: World) {
  const counts: string[] = [];
  const violations: string[] = [];
  for (const [name, check] of Object.entries(INVARIANTS)) {
    try {
      const { n, wrong } = await check(world);
      counts.push(`${name}: ${n}`);
      if (wrong.length > 0) violations.push(`${name}: ${wrong.length} of ${n}, e.g. ${wrong[0]}`);
    } catch (error) {
      violations.push(`${name} could not be checked: ${(error as Error).message}`);
    }
  }
  return { counts, violations };
}
