import { Injectable } from '@nestjs/common';
import type { RequestSource } from '../common';

/** Why a request was not answered with a mail. */
export type SuppressionReason =
  | 'unknown_address'
  | 'account_disabled'
  | 'cooldown'
  /** The account has had its mails of the hour, and the link of one is alive. */
  | 'link_alive'
  /** Nobody has confirmed the address, and its mailbox has got enough mails for its sub-addresses (`name+tag@`). */
  | 'mailbox_paced'
  /** The owner of the account has said "this was not me". */
  | 'quiet_period'
  | 'mail_refused'
  /** Between two tries of the mail the address has gone from one account to another. */
  | 'address_moved'
  /** A job that had done its work was run again, after a crash. */
  | 'already_answered';

/**
 * Called as things happen; does nothing. Meant to be overridden:
 * `overrides: [{ provide: PasswordResetHooks, useClass: MyHooks }]`.
 */
@Injectable()
export class PasswordResetHooks {
  /** A request ended without a mail. The person who made it must not learn it. */
  onSuppressed(_event: { requestId: string; reason: SuppressionReason; userId?: string }): Promise<void> {
    return Promise.resolve();
  }

  /** The mail server has taken a link over. */
  onMailed(_event: { requestId: string; resetId: string; userId: string }): Promise<void> {
    return Promise.resolve();
  }

  /** Runs in the transaction that sets the new password. Throwing rolls all of it back; the link stays good. */
  onPasswordReset(_event: { resetId: string; userId: string; source: RequestSource }): Promise<void> {
    return Promise.resolve();
  }
}
