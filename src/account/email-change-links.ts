import { Injectable } from '@nestjs/common';
import {
  findReturnedLink,
  LinkExpiredError,
  LinkInvalidError,
  LinkUsedError,
  ReturnedLink,
  SignedTokens,
} from '../common';
import { UsersService } from '../users';
import { EmailChange, EmailChangeStore } from './email-change-store';

/** What the link is good for that the new address gets. */
export const CONFIRM_PURPOSE = 'email-change-confirm';
/** What the link is good for that the old address gets. */
export const CANCEL_PURPOSE = 'email-change-cancel';

/** Reads the tokens of mailed links when they come back. */
@Injectable()
export class EmailChangeLinks {
  constructor(
    private readonly tokens: SignedTokens,
    private readonly changes: EmailChangeStore,
    private readonly users: UsersService,
  ) {}

  /** Finds the change that a link is about. @throws LinkInvalidError, LinkExpiredError: see {@link findReturnedLink} */
  find(purpose: string, token: string): Promise<ReturnedLink<EmailChange>> {
    return findReturnedLink(this.tokens, purpose, token, (id) => this.changes.findById(id));
  }

  /** @throws LinkExpiredError, LinkInvalidError, LinkUsedError where a link is dead */
  async demandLive({ row: change, expired }: ReturnedLink<EmailChange>): Promise<void> {
    if (expired) throw new LinkExpiredError();
    if (!(await this.hasOwner(change))) throw new LinkInvalidError();
    if (!isPending(change)) throw new LinkUsedError();
  }

  /** @returns the change with an id, where a link to it would be good now */
  async pendingChange(id: string): Promise<EmailChange | undefined> {
    const change = await this.changes.findById(id);
    return change && isPending(change) && (await this.hasOwner(change)) ? change : undefined;
  }

  private async hasOwner({ userId }: EmailChange): Promise<boolean> {
    const user = await this.users.findById(userId);
    return user !== undefined && !user.disabledAt;
  }
}

export function isPending({ confirmedAt, cancelledAt }: EmailChange): boolean {
  return !confirmedAt && !cancelledAt;
}
