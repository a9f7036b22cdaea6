import cors from 'cors';
import type { Middleware } from './security-headers';

/**
 * Lets the scripts of listed origins read the REST API. Without credentials: cookies are for the pages, and the API takes its
 * token from a header that no browser sends by itself.
 *
 * @param origins compared byte by byte, never as a pattern; `null`, the origin of any sandbox, cannot be one
 */
export function allowOrigins(origins: readonly string[]): Middleware {
  const share = cors({
    // For any other origin nothing is said at all, so that its preflight is a 405 like every other OPTIONS.
    origin: (origin, done) => done(null, origin !== undefined && origins.includes(origin) && origin),
    methods: 'GET, POST, PUT, PATCH, DELETE',
    allowedHeaders: 'Authorization, Content-Type',
    exposedHeaders: 'Retry-After, WWW-Authenticate',
    // Chromium caches a preflight for two hours at most.
    maxAge: 3600,
  });
  return (request, response, next) => {
    // Not by a mounted path or `enableCors`: the two adapters match paths differently.
    if (!/^\/api(\/|\?|$)/.test(request.url ?? '')) return next();
    // On every answer, or a cache would give one without an origin to the listed one.
    response.setHeader('Vary', 'Origin');
    share(request, response, next);
  };
}
