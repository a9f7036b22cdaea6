import { toProblem } from './problem.filter';
import type { SecurityEvent, SecurityEvents } from './security-events';

/**
 * Does what an event is about. Where that fails, the failure is recorded, with the code that the caller gets as `reason`;
 * a success is for `work` to record, in its transaction.
 * @throws what `work` throws
 */
export async function recordingFailure<T>(
  events: SecurityEvents,
  event: Omit<SecurityEvent, 'outcome'>,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const details = { ...event.details, reason: toProblem(error).code };
    await events.record({ ...event, outcome: 'failure', details });
    throw error;
  }
}
