import ipaddr from 'ipaddr.js';

/**
 * The counter of a client's address. An IPv6 client has a whole /64 and changes in it at will, so the /64 is one source
 * (better-auth #7470); IPv4 is IPv4, however it is written (CVE-2026-30827).
 * What is no address has one counter for all: some proxies forward names that a client chooses.
 */
export function sourceKey(ip: string): string {
  if (!ipaddr.isValid(ip)) return 'unknown';
  const address = ipaddr.process(ip);
  if (address instanceof ipaddr.IPv4) return address.toString();
  return `${address.parts
    .slice(0, 4)
    .map((part) => part.toString(16))
    .join(':')}::/64`;
}
