// What must be so after every figure, whatever was done to the program. Each check gives the violations it has seen.
import { accessEnds, changesAreOnRecord, nothing2xxWasLost, oneSuccessEach } from './changes.mjs';
import { mailsArrived, noDeadLinks, noStuckJobs, noticesMatch } from './mails.mjs';
import { eventsMatch } from './events.mjs';
import { nothingConfirms } from './secrets.mjs';

export const INVARIANTS = {
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
export async function checkInvariants(world) {
  const counts = [];
  const violations = [];
  for (const [name, check] of Object.entries(INVARIANTS)) {
    try {
      const { n, wrong } = await check(world);
      counts.push(`${name}: ${n}`);
      if (wrong.length > 0) violations.push(`${name}: ${wrong.length} of ${n}, e.g. ${wrong[0]}`);
    } catch (error) {
      violations.push(`${name} could not be checked: ${error.message}`);
    }
  }
  return { counts, violations };
}
