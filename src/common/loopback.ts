import { isIPv4, isIPv6 } from 'node:net';

/**
 * Whether a host is this computer and nothing else: an address of 127.0.0.0/8, `::1`, `localhost`, or a name below it
 * (RFC 6761, section 6.3).
 * @param host name or address, an IPv6 one with or without brackets; without a port
 */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[(.*)\]$/, '$1');
  if (isIPv4(name)) return name.startsWith('127.');
  if (isIPv6(name)) return /^\[::(1|ffff:7f..:.+)\]$/.test(shortened(name));
  return /^(.+\.)?localhost\.?$/.test(name);
}

/** The one spelling that URL parsers give an IPv6 address, in brackets; without its zone. */
function shortened(address: string): string {
  return new URL(`http://[${address.replace(/%.*$/, '')}]`).hostname;
}
