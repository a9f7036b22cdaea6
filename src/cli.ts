import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Command } from 'commander';
import { text } from 'node:stream/consumers';
import { AppModule } from './app.module';
import { auditCommand } from './audit-command';
import { mailCommand } from './mail-command';
import { timelineCommand } from './timeline-command';
import { parseEmailAddress } from './common';
import { loadSettings } from './env';
import { LocalParts, provideLocalParts } from './local-parts';
import { migrate } from './schema';
import { explainStartError } from './start-error';
import { EmailTakenError, PasswordRejectedError, UsersService } from './users';

const program = new Command('latchkey').description(
  'Operator commands. They work on the same data as the server.',
);

program
  .command('migrate')
  .description('bring the tables of the database up to date')
  .action(() =>
    withParts(async ({ settings }) => {
      const done = await migrate(settings.database.url);
      print(done.length > 0 ? `Done: ${done.join(', ')}` : 'The database is up to date.');
    }),
  );

const users = program.command('users').description('accounts');

users
  .command('create')
  .description('make an account; the password is read from standard input')
  .requiredOption('--email <address>', 'where the mails of this person go')
  .requiredOption('--username <name>', 'how mails address this person')
  .option('--locale <tag>', 'language of the mails, e.g. en or zh-TW')
  .action(async (options: { email: string; username: string; locale?: string }) => {
    const email = parseEmailAddress(options.email);
    if (!email) throw new Error(`--email: ${options.email} is not one e-mail address.`);
    const password = await readPassword();
    const account = { ...options, email, password };
    const user = await withParts((parts) =>
      inApplication(parts, (app) => app.get(UsersService).create(account)),
    );
    print(`Created ${user.email} (${user.id}).`);
  });

for (const command of [auditCommand, mailCommand, timelineCommand])
  program.addCommand(command((work) => withParts((parts) => inApplication(parts, work))));

async function readPassword(): Promise<string> {
  if (process.stdin.isTTY) process.stderr.write('Password, then Enter and Ctrl-D (it is shown): ');
  return (await text(process.stdin)).replace(/\r?\n$/, '');
}

async function withParts<T>(work: (parts: LocalParts) => Promise<T>): Promise<T> {
  const parts = await provideLocalParts(loadSettings());
  try {
    return await work(parts);
  } finally {
    await parts.close();
  }
}

async function inApplication<T>(
  { settings }: LocalParts,
  work: (app: INestApplicationContext) => Promise<T>,
): Promise<T> {
  const app = await NestFactory.createApplicationContext(AppModule.with({ ...settings, role: 'web' }), {
    abortOnError: false,
    logger: false,
  });
  try {
    return await work(app);
  } finally {
    await app.close();
  }
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function explain(error: unknown): string {
  if (error instanceof EmailTakenError) return 'There is already an account with this address.';
  if (error instanceof PasswordRejectedError)
    return `The password is refused: ${error.errors?.map(({ message }) => message).join(' ')}`;
  return explainStartError(error);
}

program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`${explain(error)}\n`);
  process.exitCode = 1;
});
