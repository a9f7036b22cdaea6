import { Logger } from '@nestjs/common';
import type { Middleware } from './security-headers';

/**
 * Warns once when requests seem to come through a proxy that `TRUST_PROXY` does not count. Everything else works then, so
 * nobody would notice that all clients share the limits of one source.
 */
export function warnOfUncountedProxy(): Middleware {
  let warned = false;
  return ({ headers }, _, next) => {
    if (!warned && (headers['x-forwarded-for'] ?? headers.forwarded) !== undefined) {
      warned = true;
      new Logger('Proxy').warn(
        'A request has an X-Forwarded-For or Forwarded header, but TRUST_PROXY is 0. If a proxy in front has set it, all clients ' +
          'share the limits of one source, the proxy: set TRUST_PROXY to the number of proxies. If there is none, ignore this.',
      );
    }
    next();
  };
}
