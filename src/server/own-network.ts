import { BlockList, isIPv6 } from 'node:net';
import { requestSource } from '../http';

/** Loopback, private and link-local addresses (RFC 1918, RFC 3927, RFC 4193, RFC 4291). */
const OWN_NETWORK = new BlockList();
for (const [net, prefix] of [
  ['127.0.0.0', 8],
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['169.254.0.0', 16],
] as const)
  OWN_NETWORK.addSubnet(net, prefix);
for (const [net, prefix] of [
  ['::1', 128],
  ['fc00::', 7],
  ['fe80::', 10],
] as const)
  OWN_NETWORK.addSubnet(net, prefix, 'ipv6');

/** Headers that a proxy adds. */
const FORWARDED = ['forwarded', 'via', 'x-forwarded-for'];

/**
 * Whether a request comes from a private network, and not through a proxy, which may forward anyone's. A stranger who learned
 * that mails leave again, right after requesting a link, would know that there is an account.
 */
export function isFromInside(request: Parameters<typeof requestSource>[0]): boolean {
  if (FORWARDED.some((name) => request.headers?.[name] !== undefined)) return false;
  const { ip } = requestSource(request);
  return OWN_NETWORK.check(ip, isIPv6(ip) ? 'ipv6' : 'ipv4');
}
