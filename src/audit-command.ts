import type { INestApplicationContext } from '@nestjs/common';
import { Command, Option } from 'commander';
import { AuditEvent, AuditQuery, AuditTrail } from './audit';
import { InApplication, parseLimit, userIdOf } from './cli-arguments';
import { Clock, secondsAfter, SECURITY_ACTS, SecurityAct } from './common';

interface AuditArguments {
  email?: string;
  request?: string;
  act?: SecurityAct;
  since?: string;
  limit: number;
}

const SECONDS: Record<string, number> = { m: 60, h: 3600, d: 86_400 };

/** `audit`: prints what happened, the latest last. */
export function auditCommand(inApplication: InApplication): Command {
  return new Command('audit')
    .description('what happened to accounts and was tried on them, the latest last; times are UTC')
    .option('--email <address>', 'events of one account, and of the requests it was in')
    .option('--request <id>', 'events of one request, its jobs and its mails')
    .addOption(new Option('--act <name>', 'events of one kind').choices(SECURITY_ACTS))
    .option('--since <when>', 'a time such as 2026-01-31T08:00Z, or how long ago: 30m, 12h, 7d')
    .option('--limit <number>', 'how many at most', parseLimit, 100)
    .action(async (options: AuditArguments) => {
      const events = await inApplication(async (app) =>
        app.get(AuditTrail).find(await toQuery(options, app)),
      );
      if (events.length === 0) process.stdout.write('There is no such event.\n');
      for (const event of events.reverse()) process.stdout.write(`${toLine(event)}\n`);
    });
}

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
