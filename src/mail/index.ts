export { displayName } from './display-name';
export { MailBudget, MailBudgetSpentError } from './mail-budget';
export { MailQueue, mailQueue, type MailLink, type QueuedMail } from './mail-queue';
export { MailRenderer, type MailContent } from './mail-renderer';
export { MailModule } from './mail.module';
export { MailOptions } from './mail.options';
export { OutgoingMail } from './outgoing-mail';
export { Mailbox, MailboxModule } from './mailbox';
export { Mailer, MailRefusedError, type Mail, type MailTemplate } from './mailer';
