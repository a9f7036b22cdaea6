import type { INestApplicationContext } from '@nestjs/common';
import { isUUID } from 'class-validator';
import { Command, Option } from 'commander';
import { SecurityAct, SecurityEvents, Transactions } from '../../common';
import { TypeOrmTransactions } from '../../database';
import { JOB_STATES, JobState, QueuedJobs } from '../../jobs';
import { inApplication } from './application';
import { parseLimit } from './arguments';
import { describeJob, toLine } from './mail.lines';
import { print } from './output';

/** `mail`: mails that wait to be sent or could not be, and what to do about them. */
export const mailCommand = new Command('mail').description(
  'mails that wait, and mails that were given up; times are UTC',
);

mailCommand
  .command('list')
  .description('the oldest first')
  .addOption(new Option('--state <name>', 'only those in this state').choices(JOB_STATES))
  .option('--limit <number>', 'maximum number of mails', parseLimit, 100)
  .action(list);

mailCommand.command('show').argument('<id>').description('one of them').action(show);

mailCommand
  .command('retry')
  .argument('<id>')
  .description('try one now; one that was given up gets its full time again')
  .action(retry);

mailCommand.command('drop').argument('<id>').description('never try one again').action(drop);

async function list({ state, limit }: { state?: JobState; limit: number }): Promise<void> {
  const states = state ? [state] : JOB_STATES;
  const jobs = await inApplication((app) => queuedIn(app).list(states, limit));
  print(...(jobs.length > 0 ? jobs.map(toLine) : ['There is no such mail.']));
}

async function show(id: string): Promise<void> {
  const job = await inApplication((app) => queuedIn(app).find(checked(id)));
  print(...describeJob(job ?? throwMissing()));
}

async function retry(id: string): Promise<void> {
  await inApplication((app) => change(app, id, 'mail_retried', (jobs) => jobs.retry(id)));
  print('It is tried now.');
}

async function drop(id: string): Promise<void> {
  await inApplication((app) => change(app, id, 'mail_dropped', (jobs) => jobs.drop(id)));
  print('It is not tried again.');
}

/** Changes the job of a mail and records it, both or neither. */
function change(
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
  return new QueuedJobs(app.get(TypeOrmTransactions));
}

function checked(id: string): string {
  return isUUID(id) ? id : throwMissing();
}

function throwMissing(): never {
  throw new Error('There is no such mail, or it is under way or done. See: mail list');
}
