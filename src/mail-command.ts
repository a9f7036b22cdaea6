import type { INestApplicationContext } from '@nestjs/common';
import { Command, Option } from 'commander';
import { isUUID } from 'class-validator';
import { InApplication, parseLimit } from './cli-arguments';
import { maskEmail, SecurityAct, SecurityEvents, Transactions } from './common';
import { TypeOrmTransactions } from './database';
import { JOB_STATES, JobState, QueuedJob, QueuedJobs } from './jobs';
import { latchkeyQueues } from './schema';

/** `mail`: what waits to be mailed, what could not be, and what to do about it. */
export function mailCommand(inApplication: InApplication): Command {
  return new Command('mail')
    .description('mails that wait, and mails that were given up; times are UTC')
    .addCommand(listCommand(inApplication))
    .addCommand(showCommand(inApplication))
    .addCommand(retryCommand(inApplication))
    .addCommand(dropCommand(inApplication));
}

function listCommand(inApplication: InApplication): Command {
  return new Command('list')
    .description('the oldest first')
    .addOption(new Option('--state <name>', 'only those').choices(JOB_STATES))
    .option('--limit <number>', 'how many at most', parseLimit, 100)
    .action(async ({ state, limit }: { state?: JobState; limit: number }) => {
      const states = state ? [state] : JOB_STATES.filter((name) => name !== 'done');
      const jobs = await inApplication((app) => queuedIn(app).list(states, limit));
      print(jobs.length > 0 ? jobs.map(toLine) : ['There is no such mail.']);
    });
}

function showCommand(inApplication: InApplication): Command {
  return new Command('show')
    .argument('<id>')
    .description('one of them')
    .action(async (id: string) => {
      const job = await inApplication((app) => queuedIn(app).find(checked(id)));
      print(describe(job ?? throwMissing()));
    });
}

function retryCommand(inApplication: InApplication): Command {
  return new Command('retry')
    .argument('<id>')
    .description('try one now; one that was given up is tried as long again')
    .action(async (id: string) => {
      await inApplication((app) => settle(app, id, 'mail_retried', (jobs) => jobs.retry(id)));
      print(['It is tried now.']);
    });
}

function dropCommand(inApplication: InApplication): Command {
  return new Command('drop')
    .argument('<id>')
    .description('never try one again')
    .action(async (id: string) => {
      await inApplication((app) => settle(app, id, 'mail_dropped', (jobs) => jobs.drop(id)));
      print(['It is not tried again.']);
    });
}

/** Does something to a mail, together with its record. */
function settle(
  app: INestApplicationContext,
  id: string,
  act: SecurityAct,
  work: (jobs: QueuedJobs) => Promise<boolean>,
): Promise<void> {
  checked(id);
  return app.get(Transactions).run(async () => {
    if (!(await work(queuedIn(app)))) throwMissing();
    await app.get(SecurityEvents).record({ act, outcome: 'success', details: { mailId: id } });
  });
}

function queuedIn(app: INestApplicationContext): QueuedJobs {
  return new QueuedJobs(
    app.get(TypeOrmTransactions),
    latchkeyQueues.map(({ name }) => name),
  );
}

function checked(id: string): string {
  return isUUID(id) ? id : throwMissing();
}

function throwMissing(): never {
  throw new Error('There is no such mail, or it is under way or done. See: mail list');
}

function toLine(job: QueuedJob): string {
  const { id, state, addedAt, dueAt, tries, lastError } = job;
  const due = state === 'waiting' && tries > 0 ? [`next=${dueAt.toISOString()}`] : [];
  const error = lastError === null ? [] : [`last=${lastError}`];
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

function describe(job: QueuedJob): string[] {
  const fields = {
    id: job.id,
    state: job.state,
    kind: kindOf(job),
    recipient: recipientOf(job),
    added: job.addedAt.toISOString(),
    tries: job.tries,
    'last error': job.lastError ?? 'none',
    'due at': job.dueAt.toISOString(),
    request: job.requestId,
  };
  return Object.entries(fields).map(([name, value]) => `${name.padEnd(10)}  ${value}`);
}

/** The template of a mail; of one that is not written yet, what it will answer. */
function kindOf({ queue, data }: QueuedJob): string {
  return (data['template'] as { name?: string } | undefined)?.name ?? queue;
}

function recipientOf({ data }: QueuedJob): string {
  const address = data['to'] ?? data['emailKey'];
  return typeof address === 'string' ? maskEmail(address) : '-';
}

function print(lines: string[]): void {
  process.stdout.write(lines.map((line) => `${line}\n`).join(''));
}
