export type { CaughtMail } from './caught-mail';
export { Mailbox } from './mailbox';
export { MailboxModule } from './mailbox.module';
