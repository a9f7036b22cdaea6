import { digest, parseEmailAddress } from '../common';

/**
 * What is kept of the address that a mail goes to: enough to know it again, and nothing to read.
 * @returns `null` for what is no address
 */
export function addressDigest(email: string): string | null {
  const key = parseEmailAddress(email)?.key;
  return key === undefined ? null : digest(key);
}

/**
 * Whether an account has another address than the one that a mail went to.
 * @param mailedTo its {@link addressDigest}; where that is not known, the answer is `false`
 */
export function hasAddressMoved(mailedTo: string | null | undefined, { email }: { email: string }): boolean {
  return !!mailedTo && addressDigest(email) !== mailedTo;
}
