import { Injectable, OnModuleInit } from '@nestjs/common';
import { Clock, parseEmailAddress, RequestSource, secondsAfter } from '../common';
import { addressDigest } from '../links';
import { MailService } from '../mail';
import { FormerAddress, FormerAddresses, User, UsersService } from '../users';
import { emailChangeUndoneMail } from './account.mails';
import { AccountOptions } from './account.options';
import { EmailChangeEvents } from './email-change-events';
import { EmailChange, EmailChangeStore } from './email-change-store';

/**
 * The way back for an owner whose account a thief of the password has moved to another address: for some time after a change,
 * a reset requested for the former address is mailed there, and using it undoes the change.
 */
@Injectable()
export class EmailChangeUndo implements FormerAddresses, OnModuleInit {
  constructor(
    private readonly users: UsersService,
    private readonly changes: EmailChangeStore,
    private readonly mails: MailService,
    private readonly events: EmailChangeEvents,
    private readonly clock: Clock,
    private readonly options: AccountOptions,
  ) {}

  onModuleInit(): void {
    if (this.options.holdSeconds > 0) this.users.useFormerAddresses(this);
  }

  async findAll(emailKeys: readonly string[]): Promise<Map<string, FormerAddress>> {
    const since = secondsAfter(this.clock.now(), -this.options.holdSeconds);
    const keys = new Map(emailKeys.map((key) => [addressDigest(key), key]));
    const digests = [...keys.keys()].filter((digest) => digest !== null);
    const found = new Map<string, FormerAddress>();
    for (const change of await this.changes.findAllConfirmedFrom(digests, since)) {
      const former = toFormerAddress(change);
      if (former) found.set(keys.get(change.fromDigest)!, former);
    }
    return found;
  }

  async findByChange(changeId: string): Promise<FormerAddress | undefined> {
    return toFormerAddress(await this.changes.findById(changeId));
  }

  async restore(changeId: string, user: User, source: RequestSource): Promise<User | undefined> {
    const change = await this.changes.findById(changeId);
    const address = parseEmailAddress(change?.previousEmail ?? '');
    if (!change?.confirmedAt || change.undoneAt || !address) return undefined;
    const now = this.clock.now();
    await this.changes.undoSince(user.id, change.confirmedAt, now);
    await this.users.changeEmail(user.id, address);
    const owner = { ...user, email: address.address };
    if (user.email !== owner.email)
      await this.mails.enqueue(emailChangeUndoneMail(owner, user.email, now, source));
    await this.events.record('email_change_undone', change, source);
    return owner;
  }
}

function toFormerAddress(change: EmailChange | undefined): FormerAddress | undefined {
  if (!change?.confirmedAt || change.undoneAt || !change.previousEmail) return undefined;
  return { userId: change.userId, email: change.previousEmail, changeId: change.id };
}
