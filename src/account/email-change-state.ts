import { parseEmailAddress } from '../common';
import { AddressMovedError, hasAddressMoved } from '../links';
import type { User } from '../users';
import type { EmailChange } from './email-change-store';

export function isPending({ confirmedAt, cancelledAt }: EmailChange): boolean {
  return !confirmedAt && !cancelledAt;
}

/** Whether the new address has confirmed: it is the address of the account, or will be. */
export function isConfirmed(change: EmailChange, user: User): boolean {
  return change.confirmedAt
    ? parseEmailAddress(user.email)?.key === change.emailKey
    : isPending(change) && !!change.effectiveAt;
}

/** Whether the account has another address than when the change was requested: the one that was warned. */
export function isMoved({ fromDigest, confirmedAt }: EmailChange, user: User): boolean {
  return fromDigest ? hasAddressMoved(fromDigest, user) : confirmedAt !== null;
}

/**
 * A link that stops a change is for the holder of the account's address. Otherwise an abandoned mailbox could end the
 * sessions of an account that has moved on.
 * @throws AddressMovedError
 */
export function assertNotMoved(change: EmailChange, user: User): void {
  if (isMoved(change, user)) throw new AddressMovedError();
}
