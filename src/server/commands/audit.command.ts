import type { INestApplicationContext } from '@nestjs/common';
import { Command, Option } from 'commander';
import { AuditEvent, AuditQuery, AuditTrail } from '../../audit';
import { Clock, secondsAfter, SECURITY_ACTS, SecurityAct } from '../../common';
import { inApplication } from './application';
import { parseLimit, userIdOf } from './arguments';
import { print } from './output';

interface AuditArguments {
  email?: string;
  request?: string;
  act?: SecurityAct;
  since?: string;
  limit: number;
}

const SECONDS: Record<string, number> = { m: 60, h: 3600, d: 86_400 };

/** `audit`: the events of the audit trail. */
export const auditCommand = new Command('audit')
  .description('what happened to accounts and was tried on them, the latest last; times are UTC')
  .option('--email <address>', 'events of one account, and of the requests that concerned it')
  .option('--request <id>', 'events of one request, its jobs and its mails')
  .addOption(new Option('--act <name>', 'events of one kind').choices(SECURITY_ACTS))
  .option('--since <when>', 'a time such as 2026-01-31T08:00Z, or how long ago: 30m, 12h, 7d')
  .option('--limit <number>', 'maximum number of events', parseLimit, 100)
  .action(async (options: AuditArguments) => {
    const events = await inApplication(async (app) => app.get(AuditTrail).find(await toQuery(options, app)));
    print(...(events.length > 0 ? events.reverse().map(toLine) : ['There is no such event.']));
  });

async function toQuery(
  { email, request, act, since, limit }: AuditArguments,
  app: INestApplicationContext,
): Promise<AuditQuery> {
  return {
    limit,
    act,
    requestId: request,
    userId: email === undefined ? undefined : await userIdOf(email, app),
    since: since === undefined ? undefined : parseSince(since, app.get(Clock).now()),
  };
}

function parseSince(text: string, now: Date): Date {
  const [, count, unit] = /^(\d{1,6})([mhd])$/.exec(text) ?? [];
  const since = count ? secondsAfter(now, -Number(count) * SECONDS[unit!]!) : new Date(text);
  if (Number.isNaN(since.getTime())) throw new Error(`--since: ${text} is neither a time nor like 12h.`);
  return since;
}

function toLine({ at, act, outcome, source, requestId, userId, details }: AuditEvent): string {
  const named = {
    ...details,
    ...(source && { source }),
    ...(userId && { user: userId }),
    request: requestId,
  };
  const rest = Object.entries(named).map(([name, value]) => `${name}=${value}`);
  return [at.toISOString(), outcome.padEnd(7), act.padEnd(24), ...rest].join('  ');
}
