import { Injectable } from '@nestjs/common';
import {
  LinkExpiredError,
  LinkInvalidError,
  LinkKind,
  LinkService,
  LinkUsedError,
  OpenedLink,
} from '../links';
import { User, UsersService } from '../users';
import { AccountOptions } from './account.options';
import { aboutChange } from './email-change-events';
import { isConfirmed, isPending } from './email-change-state';
import { EmailChange, EmailChangeStore } from './email-change-store';

/** The link that the new address gets, and that confirms it. */
@Injectable()
export class ConfirmEmailLink extends LinkKind<EmailChange, EmailChange> {
  readonly purpose = 'email-change-confirm';
  readonly url: string;
  readonly ttlSeconds: number;

  constructor(
    links: LinkService,
    private readonly changes: EmailChangeStore,
    private readonly users: UsersService,
    { confirmUrl, confirmTtlSeconds }: AccountOptions,
  ) {
    super();
    this.url = confirmUrl;
    this.ttlSeconds = confirmTtlSeconds;
    links.register(this);
  }

  findRow(id: string): Promise<EmailChange | undefined> {
    return this.changes.findById(id);
  }

  /** @throws LinkExpiredError, LinkInvalidError, LinkUsedError */
  async assertLive({ row: change, expired }: OpenedLink<EmailChange>): Promise<EmailChange> {
    const user = await this.users.findEnabled(change.userId);
    // What is confirmed stays so: its link shows that, however late it is opened again.
    if (user && isConfirmed(change, user)) return change;
    if (expired) throw new LinkExpiredError();
    if (!user) throw new LinkInvalidError();
    if (!isPending(change)) throw new LinkUsedError();
    return change;
  }

  override async isWorthMailing(change: EmailChange): Promise<boolean> {
    if (!isPending(change) || !(await this.users.findEnabled(change.userId))) return false;
    return !(await this.findAddressOwner(change));
  }

  /** @returns who has the new address. An unverified account does not count: it gives way to the person who confirms the address */
  async findAddressOwner({ email: address, emailKey: key }: EmailChange): Promise<User | undefined> {
    const owner = await this.users.findByEmail({ address, key });
    return owner?.unverifiedSince ? undefined : owner;
  }

  describe(change: EmailChange) {
    return aboutChange(change);
  }
}
