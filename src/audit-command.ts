import type { INestApplicationContext } from '@nestjs/common';
import { Command, InvalidArgumentError, Option } from 'commander';
import { AuditEvent, AuditQuery, AuditTrail } from './audit';
import { Clock, parseEmailAddress, secondsAfter, SECURITY_ACTS, SecurityAct } from './common';
import { UsersService } from './users';

interface AuditArguments {
  email?: string;
  request?: string;
  act?: SecurityAct;
  since?: string;
  limit: number;
}

/** Runs work in the application, and gives back what it gives. */
type InApplication = <T>(work: (app: INestApplicationContext) => Promise<T>) => Promise<T>;

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

function parseLimit(text: string): number {
  if (!/^[1-9]\d{0,4}$/.test(text)) throw new InvalidArgumentError('Must be a number from 1 to 99999.');
  return Number(text);
}

async function toQuery(
  { email, request, act, since, limit }: AuditArguments,
  app: INestApplicationContext,
): Promise<AuditQuery> {
  return {
    limit,
    act,
    requestId: request,
    userId: email === undefined ? undefined : await userIdOf(email, app.get(UsersService)),
    since: since === undefined ? undefined : parseSince(since, app.get(Clock).now()),
  };
}

async function userIdOf(email: string, users: UsersService): Promise<string> {
  const address = parseEmailAddress(email);
  const user = address && (await users.findByEmail(address));
  if (!user) throw new Error('There is no account with this address.');
  return user.id;
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
