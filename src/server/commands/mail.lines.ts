import { maskEmail } from '../../common';
import type { QueuedJob } from '../../jobs';

/** One line of `mail list`. */
export function toLine(job: QueuedJob): string {
  const { id, state, addedAt, dueAt, tries, lastError } = job;
  const due = state === 'waiting' && tries > 0 ? [`next=${dueAt.toISOString()}`] : [];
  const error = lastError === null ? [] : [`last=${lastError}`, `about=${subjectOf(lastError)}`];
  return [
    addedAt.toISOString(),
    state.padEnd(7),
    kindOf(job).padEnd(20),
    id,
    recipientOf(job),
    `tries=${tries}`,
    ...error,
    ...due,
  ].join('  ');
}

/** The lines of `mail show`. */
export function describeJob(job: QueuedJob): string[] {
  const fields = {
    id: job.id,
    state: job.state,
    kind: kindOf(job),
    recipient: recipientOf(job),
    added: job.addedAt.toISOString(),
    tries: job.tries,
    'last error': job.lastError ?? 'none',
    ...(job.lastError !== null && { about: subjectOf(job.lastError) }),
    'due at': job.dueAt.toISOString(),
    request: job.requestId,
  };
  return Object.entries(fields).map(([name, value]) => `${name.padEnd(10)}  ${value}`);
}

/** `us` where mails to others would fare alike; the reply to a recipient is kept as its codes alone. */
function subjectOf(lastError: string): 'us' | 'recipient' {
  return /^[45]\d\d( \S+)?$/.test(lastError) ? 'recipient' : 'us';
}

/** The template of a mail; of one that is not rendered yet, the queue of the request that it answers. */
function kindOf({ queue, data }: QueuedJob): string {
  return (data['template'] as { name?: string } | undefined)?.name ?? queue;
}

function recipientOf({ data }: QueuedJob): string {
  const address = data['to'] ?? data['emailKey'];
  return typeof address === 'string' ? maskEmail(address) : '-';
}
