import { createParamDecorator, ExecutionContext } from '@nestjs/common';

/** Where a request came from, as far as the server believes it. */
export interface RequestSource {
  ip: string;
}

interface RequestWithIp {
  ip?: string;
}

/** Reads the source of a request. Both Fastify and Express put the client's address, proxies resolved, into `ip`. */
export function requestSource(request: RequestWithIp): RequestSource {
  const ip = request.ip ?? 'unknown';
  // A dual-stack socket shows IPv4 peers as ::ffff:a.b.c.d; it is one and the same client.
  return { ip: ip.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '') };
}

/** Parameter decorator: the source of the current request. */
export const Source = createParamDecorator((_: unknown, context: ExecutionContext) =>
  requestSource(context.switchToHttp().getRequest<RequestWithIp>()),
);
