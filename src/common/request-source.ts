import { createParamDecorator, ExecutionContext } from '@nestjs/common';
import { isIP } from 'node:net';

/** Where a request came from, as far as the server believes it. */
export interface RequestSource {
  ip: string;
  /** What the client calls itself, for people to recognize it by; anything may be in it. */
  userAgent?: string;
}

interface RequestWithIp {
  ip?: string;
  headers?: Record<string, string | string[] | undefined>;
}

const LONGEST_USER_AGENT = 200;

/** Reads the source of a request. Both Fastify and Express put the client's address, proxies resolved, into `ip`. */
export function requestSource(request: RequestWithIp): RequestSource {
  const userAgent = request.headers?.['user-agent'];
  return {
    ip: addressIn(request.ip ?? ''),
    ...(typeof userAgent === 'string' && { userAgent: plain(userAgent).slice(0, LONGEST_USER_AGENT) }),
  };
}

/**
 * The address alone. What a proxy passes on may have a port, which differs from connection to connection, or be anything
 * else; people are shown it, also in mails, so that what is no address is left out.
 */
function addressIn(text: string): string {
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
