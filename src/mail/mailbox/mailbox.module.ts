import { Module } from '@nestjs/common';
import { Mailbox } from './mailbox';
import { MailboxController } from './mailbox.controller';

/** A mail server that delivers nothing, and a page to read what it took. Never in production. */
@Module({ controllers: [MailboxController], providers: [Mailbox], exports: [Mailbox] })
export class MailboxModule {}
