import type { INestApplicationContext } from '@nestjs/common';
import { Command } from 'commander';
import { AuditEvent, AuditTrail } from './audit';
import { InApplication, parseLimit, userIdOf } from './cli-arguments';
import { SecurityAct } from './common';

interface TimelineArguments {
  email?: string;
  request?: string;
  limit: number;
}

/** What an act means for the story of a mail and its link: where it went well, and where it did not. */
const STATES: Partial<Record<SecurityAct, [success: string, failure: string]>> = {
  password_reset_requested: ['asked', 'refused'],
  password_reset_mailed: ['', 'suppressed'],
  password_reset_opened: ['opened', 'refused'],
  password_reset_completed: ['done', 'refused'],
  password_reset_disavowed: ['disavowed', 'refused'],
  registration_requested: ['asked', 'refused'],
  registration_mailed: ['', 'suppressed'],
  registration_opened: ['opened', 'refused'],
  registration_verified: ['done', 'refused'],
  email_change_requested: ['asked', 'refused'],
  email_change_mailed: ['', 'suppressed'],
  email_change_opened: ['opened', 'refused'],
  email_change_confirmed: ['done', 'refused'],
  email_change_cancelled: ['cancelled', 'refused'],
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

/** `timeline`: what became of an ask and its mails, step by step. */
export function timelineCommand(inApplication: InApplication): Command {
  return new Command('timeline')
    .description('what became of asks and their mails, the latest last; times are UTC')
    .option('--email <address>', 'of one account')
    .option('--request <id>', 'of one request')
    .option('--limit <number>', 'the latest so many steps', parseLimit, 100)
    .action(async (options: TimelineArguments) => {
      if (!options.email === !options.request) throw new Error('Say either --email or --request.');
      const events = await inApplication((app) => storyOf(options, app));
      const lines = events.map(toLine).filter((line) => line !== undefined);
      process.stdout.write(lines.length > 0 ? `${lines.join('\n')}\n` : 'There is nothing to tell.\n');
    });
}

/** The events of the requests, and what came in later about their mails: reports, and what operators did. */
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
