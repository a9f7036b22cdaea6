import { Injectable } from '@nestjs/common';
import {
  LinkExpiredError,
  LinkInvalidError,
  LinkUsedError,
  SignedTokens,
  TokenExpiredError,
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

  /**
   * Finds the pending change that a token names; spends nothing.
   * @throws LinkInvalidError, LinkExpiredError, LinkUsedError
   */
  async findPending(purpose: string, token: string): Promise<EmailChange> {
    const change = await this.findValid(this.read(purpose, token));
    if (!change) throw new LinkInvalidError();
    if (!isPending(change)) throw new LinkUsedError();
    return change;
  }

  /** @returns the change with an id, where a link to it would be good now */
  async pendingChange(id: string): Promise<EmailChange | undefined> {
    const change = await this.findValid(id);
    return change && isPending(change) ? change : undefined;
  }

  private async findValid(id: string): Promise<EmailChange | undefined> {
    const change = await this.changes.findById(id);
    const user = change && (await this.users.findById(change.userId));
    return user && !user.disabledAt ? change : undefined;
  }

  private read(purpose: string, token: string): string {
    try {
      return this.tokens.verify(purpose, token).id;
    } catch (error) {
      throw error instanceof TokenExpiredError ? new LinkExpiredError() : new LinkInvalidError();
    }
  }
}

export function isPending({ confirmedAt, cancelledAt }: EmailChange): boolean {
  return !confirmedAt && !cancelledAt;
}
