import type { INestApplicationContext } from '@nestjs/common';
import { Command } from 'commander';
import { AuditEvent, AuditTrail } from '../../audit';
import type { SecurityAct } from '../../common';
import { inApplication } from './application';
import { parseLimit, userIdOf } from './arguments';
import { print } from './output';

interface TimelineArguments {
  email?: string;
  request?: string;
  limit: number;
}

/** The step in the story of a mail and its link that an act is, where it succeeded and where it failed. */
const STATES: Partial<Record<SecurityAct, [success: string, failure: string]>> = {
  password_reset_requested: ['requested', 'refused'],
  password_reset_mailed: ['', 'suppressed'],
  password_reset_opened: ['opened', 'refused'],
  password_reset_completed: ['done', 'refused'],
  password_reset_disavowed: ['disavowed', 'refused'],
  registration_requested: ['requested', 'refused'],
  registration_mailed: ['', 'suppressed'],
  registration_opened: ['opened', 'refused'],
  registration_verified: ['done', 'refused'],
  email_change_requested: ['requested', 'refused'],
  email_change_mailed: ['', 'suppressed'],
  email_change_opened: ['opened', 'refused'],
  email_change_confirmed: ['done', 'refused'],
  email_change_held: ['held', ''],
  email_change_cancelled: ['cancelled', 'refused'],
  email_change_undone: ['undone', ''],
  password_changed: ['done', 'refused'],
  mail_queued: ['queued', ''],
  mail_handed_over: ['handed over', ''],
  mail_deferred: ['', 'deferred'],
  mail_bounced: ['', 'bounced'],
  mail_given_up: ['', 'given up'],
  mail_suppressed: ['', 'suppressed'],
  mail_reported: ['reported', 'reported'],
  mail_retried: ['retried', ''],
  mail_dropped: ['dropped', ''],
};

/** `timeline`: what became of a request and its mails, step by step. */
export const timelineCommand = new Command('timeline')
  .description('what became of requests and their mails, the latest last; times are UTC')
  .option('--email <address>', 'of one account')
  .option('--request <id>', 'of one request')
  .option('--limit <number>', 'maximum number of steps, the latest', parseLimit, 100)
  .action(async (options: TimelineArguments) => {
    if (!options.email === !options.request) throw new Error('Give either --email or --request.');
    const events = await inApplication((app) => storyOf(options, app));
    const lines = events.map(toLine).filter((line) => line !== undefined);
    print(...(lines.length > 0 ? lines : ['There is no such step.']));
  });

/** The events of the requests, and the later ones of their mails: reports, and what operators did. */
async function storyOf(
  { email, request, limit }: TimelineArguments,
  app: INestApplicationContext,
): Promise<AuditEvent[]> {
  const trail = app.get(AuditTrail);
  const userId = email === undefined ? undefined : await userIdOf(email, app);
  const events = await trail.find({ userId, requestId: request, limit });
  const mailIds = events.map(({ details }) => details['mailId']).filter((id) => typeof id === 'string');
  const later = mailIds.length > 0 ? await trail.find({ mailIds, limit }) : [];
  const all = new Map([...events, ...later].map((event) => [event.id, event]));
  return [...all.values()].sort((a, b) => a.at.getTime() - b.at.getTime()).slice(-limit);
}

function toLine({ at, act, outcome, details, source, requestId }: AuditEvent): string | undefined {
  const state = STATES[act]?.[outcome === 'success' ? 0 : 1];
  if (!state) return undefined;
  const about = { ...details, ...(source && { source }), request: requestId };
  const rest = Object.entries(about).map(([name, value]) => `${name}=${value}`);
  return [at.toISOString(), state.padEnd(11), act.padEnd(24), ...rest].join('  ');
}
