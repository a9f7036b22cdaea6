import { createParamDecorator, ExecutionContext } from '@nestjs/common';

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
  const ip = request.ip ?? 'unknown';
  const userAgent = request.headers?.['user-agent'];
  return {
    // A dual-stack socket shows IPv4 peers as ::ffff:a.b.c.d; it is one and the same client.
    ip: ip.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, ''),
    ...(typeof userAgent === 'string' && { userAgent: plain(userAgent).slice(0, LONGEST_USER_AGENT) }),
  };
}

function plain(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?');
}

/** Parameter decorator: the source of the current request. */
export const Source = createParamDecorator((_: unknown, context: ExecutionContext) =>
  requestSource(context.switchToHttp().getRequest<RequestWithIp>()),
);
