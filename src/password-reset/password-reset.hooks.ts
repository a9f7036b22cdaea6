import { Injectable } from '@nestjs/common';
import type { RequestSource } from '../common';

/** Why an ask was not answered with a mail. */
export type SuppressionReason =
  | 'unknown_address'
  | 'account_disabled'
  | 'cooldown'
  | 'hourly_cap'
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
  /** An ask that was looked into ends without a mail. Whoever asked must not learn it. */
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
