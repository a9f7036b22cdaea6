import ipaddr from 'ipaddr.js';

/**
 * The counter key of a client's address. An IPv6 client has a whole /64 and can use any address in it, so the /64 is one
 * source (better-auth #7470); IPv4 is IPv4 however it is written (CVE-2026-30827).
 * Everything that is no address shares one counter: some proxies forward names that a client chooses.
 */
export function sourceKey(ip: string): string {
  const address = addressOf(ip);
  if (!address) return 'unknown';
  return address instanceof ipaddr.IPv4 ? address.toString() : prefixOf(address, 64);
}

/**
 * The network of a client's address, for a second, higher limit: a customer with a /48 has 65,536 sources.
 * @returns `undefined` for an IPv4 address
 */
export function networkKey(ip: string): string | undefined {
  const address = addressOf(ip);
  return address instanceof ipaddr.IPv6 ? prefixOf(address, 48) : undefined;
}

function addressOf(ip: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  if (!ipaddr.isValid(ip)) return undefined;
  const address = ipaddr.process(ip);
  return address instanceof ipaddr.IPv6 ? (embeddedIn(address) ?? address) : address;
}

/**
 * The IPv4 address of a translated or tunneled client, which is all that it controls: by NAT64 (RFC 6052, and RFC 8215 for
 * local translators), where the whole IPv4 Internet would otherwise be one source; by 6to4 (RFC 3056), which makes a /48 of
 * one address; by Teredo (RFC 4380), where all clients of a server share a /64.
 */
function embeddedIn({ parts }: ipaddr.IPv6): ipaddr.IPv4 | undefined {
  const [first, second, third, ...rest] = parts as [number, number, number, ...number[]];
  const ipv4 = (high: number, low: number) => new ipaddr.IPv4([high >> 8, high & 0xff, low >> 8, low & 0xff]);
  const [high, low] = parts.slice(6) as [number, number];
  const isWellKnown = third === 0 && rest.slice(0, 3).every((part) => part === 0);
  if (first === 0x64 && second === 0xff9b && (isWellKnown || third === 1)) return ipv4(high, low);
  if (first === 0x2002) return ipv4(second, third);
  if (first === 0x2001 && second === 0) return ipv4(high ^ 0xffff, low ^ 0xffff);
  return undefined;
}

function prefixOf({ parts }: ipaddr.IPv6, bits: 48 | 64): string {
  const groups = parts.slice(0, bits / 16).map((part) => part.toString(16));
  return `${groups.join(':')}::/${bits}`;
}
