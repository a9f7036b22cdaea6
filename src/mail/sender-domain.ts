import { domainToASCII } from 'node:url';

/**
 * The domain of a sender, as A-labels (RFC 5890), which is how it is written wherever only ASCII may stand.
 * @param from an address, with or without a name: `Latchkey <no-reply@example.com>`
 */
export function senderDomain(from: string): string {
  const domain = from.replace(/^.*@/, '').replace(/>$/, '');
  return domainToASCII(domain) || domain;
}
