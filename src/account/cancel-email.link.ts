import { Injectable } from '@nestjs/common';
import { LinkExpiredError, LinkInvalidError, LinkKind, LinkService, OpenedLink } from '../links';
import { UsersService } from '../users';
import { AccountOptions } from './account.options';
import { aboutChange } from './email-change-events';
import { assertNotMoved, isPending } from './email-change-state';
import { EmailChange, EmailChangeStore } from './email-change-store';

/** The link that the old address gets, and that stops a change of address. */
@Injectable()
export class CancelEmailLink extends LinkKind<EmailChange, EmailChange> {
  readonly purpose = 'email-change-cancel';
  readonly url: string;
  readonly ttlSeconds: number;

  constructor(
    links: LinkService,
    private readonly changes: EmailChangeStore,
    private readonly users: UsersService,
    { cancelUrl, cancelTtlSeconds, holdSeconds }: AccountOptions,
  ) {
    super();
    this.url = cancelUrl;
    // Good at least for as long as the change may have to wait: the password was reset before the change was requested.
    this.ttlSeconds = Math.max(cancelTtlSeconds, holdSeconds);
    links.register(this);
  }

  findRow(id: string): Promise<EmailChange | undefined> {
    return this.changes.findById(id);
  }

  /** @throws LinkExpiredError, LinkInvalidError, AddressMovedError */
  async assertLive({ row: change, expired }: OpenedLink<EmailChange>): Promise<EmailChange> {
    if (expired) throw new LinkExpiredError();
    const user = await this.users.findEnabled(change.userId);
    if (!user) throw new LinkInvalidError();
    assertNotMoved(change, user);
    return change;
  }

  override async isWorthMailing(change: EmailChange): Promise<boolean> {
    return isPending(change) && !!(await this.users.findEnabled(change.userId));
  }

  describe(change: EmailChange) {
    return aboutChange(change);
  }
}
