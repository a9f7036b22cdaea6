import { createParamDecorator, ExecutionContext } from '@nestjs/common';
import { isIP } from 'node:net';
import type { RequestSource } from '../common';

interface RequestWithIp {
  ip?: string;
  headers?: Record<string, string | string[] | undefined>;
}

const LONGEST_USER_AGENT = 200;
/** An IPv6 address with a zone, brackets and a port has less than half of it. */
const LONGEST_ADDRESS = 128;

/** Reads the source of a request. Both Fastify and Express put the client's address, proxies resolved, into `ip`. */
export function requestSource(request: RequestWithIp): RequestSource {
  const userAgent = request.headers?.['user-agent'];
  return {
    ip: addressIn(request.ip ?? ''),
    ...(typeof userAgent === 'string' && { userAgent: plain(userAgent.slice(0, LONGEST_USER_AGENT)) }),
  };
}

/**
 * The address alone. What a proxy passes on may have a port, which differs from connection to connection, or be any text.
 * People see the result, also in mails, so anything that is not an address is left out.
 */
function addressIn(text: string): string {
  if (text.length > LONGEST_ADDRESS) return 'unknown';
  const [, bracketed, dotted] = /^(?:\[(.*)\](?::\d+)?|(\d+(?:\.\d+){3}):\d+)$/.exec(text) ?? [];
  const address = (bracketed ?? dotted ?? text).replace(/%.*$/, '');
  if (!isIP(address)) return 'unknown';
  // A dual-stack socket shows IPv4 peers as ::ffff:a.b.c.d; it is one and the same client.
  return address.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '');
}

function plain(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?');
}

/** Parameter decorator: the source of the current request. */
export const Source = createParamDecorator((_: unknown, context: ExecutionContext) =>
  requestSource(context.switchToHttp().getRequest<RequestWithIp>()),
);
