import { Command } from 'commander';
import { auditCommand } from './server/commands/audit.command';
import { mailCommand } from './server/commands/mail.command';
import { migrateCommand } from './server/commands/migrate.command';
import { report } from './server/commands/output';
import { timelineCommand } from './server/commands/timeline.command';
import { usersCommand } from './server/commands/users.command';
import { explainStartError } from './server/start-error';
import { EmailTakenError, PasswordRejectedError } from './users';

const program = new Command('latchkey')
  .description('Operator commands. They work on the same data as the server.')
  .addCommand(migrateCommand)
  .addCommand(usersCommand)
  .addCommand(auditCommand)
  .addCommand(mailCommand)
  .addCommand(timelineCommand);

program.parseAsync().catch((error: unknown) => {
  report(explain(error));
  process.exitCode = 1;
});

function explain(error: unknown): string {
  if (error instanceof EmailTakenError) return 'There is already an account with this address.';
  if (error instanceof PasswordRejectedError)
    return `The password is refused: ${error.errors?.map(({ message }) => message).join(' ')}`;
  return explainStartError(error);
}
