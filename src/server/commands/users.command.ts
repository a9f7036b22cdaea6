import { Command } from 'commander';
import { text } from 'node:stream/consumers';
import { isUsername, parseEmailAddress, Translations, USERNAME_RULE } from '../../common';
import { UsersService } from '../../users';
import { inApplication } from './application';
import { userIdOf } from './arguments';
import { print } from './output';

/** `users`: what operators do to accounts. */
export const usersCommand = new Command('users').description('accounts');

usersCommand
  .command('create')
  .description('create an account; the password is read from standard input')
  .requiredOption('--email <address>', 'where mails to this person go')
  .requiredOption('--username <name>', 'how mails address this person')
  .option('--locale <tag>', 'language of the mails, e.g. en or zh-TW')
  .action(create);

usersCommand
  .command('disable')
  .description('lock everybody out of an account, and end its sessions and mailed links for good')
  .requiredOption('--email <address>', 'the address of the account')
  .action(disable);

usersCommand
  .command('enable')
  .description('let the owner of a disabled account sign in and recover it again')
  .requiredOption('--email <address>', 'the address of the account')
  .action(enable);

interface NewAccount {
  email: string;
  username: string;
  locale?: string;
}

async function create({ email, username, locale }: NewAccount): Promise<void> {
  const address = parseEmailAddress(email);
  if (!address) throw new Error(`--email: ${email} is not one e-mail address.`);
  if (!isUsername(username)) throw new Error(`--username: ${USERNAME_RULE}.`);
  const password = await readPassword();
  const user = await inApplication((app) => {
    const language = app.get(Translations).closest(locale) ?? null;
    return app.get(UsersService).create({ email: address, username, password, locale: language });
  });
  print(`Created ${user.email} (${user.id}).`);
  if (locale && !user.locale) print(`There are no texts in ${locale}: mails use the default language.`);
}

async function disable({ email }: { email: string }): Promise<void> {
  const id = await inApplication(async (app) => {
    const userId = await userIdOf(email, app);
    await app.get(UsersService).disable(userId);
    return userId;
  });
  print(
    `Disabled ${email} (${id}). Its sessions and mailed links stay ended, even if you enable the account again.`,
  );
}

async function enable({ email }: { email: string }): Promise<void> {
  const id = await inApplication(async (app) => {
    const userId = await userIdOf(email, app);
    if (!(await app.get(UsersService).enable(userId))) throw new Error('This account is not disabled.');
    return userId;
  });
  print(`Enabled ${email} (${id}). Its earlier sessions and links stay ended.`);
}

async function readPassword(): Promise<string> {
  if (process.stdin.isTTY) process.stderr.write('Password, then Enter and Ctrl-D (it is shown): ');
  return (await text(process.stdin)).replace(/\r?\n$/, '');
}
