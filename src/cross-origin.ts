import type { Middleware } from './security-headers';

const METHODS = 'GET, POST, PUT, PATCH, DELETE';
const REQUEST_HEADERS = 'Authorization, Content-Type';
/** What scripts may read beside the few headers that they always may. */
const ANSWER_HEADERS = 'Retry-After, WWW-Authenticate';
/** Browsers ask again after this; Chromium takes no more than two hours. */
const PREFLIGHT_SECONDS = 3600;

/**
 * Lets the scripts of listed origins read the REST API (Fetch standard, "CORS protocol"). Without credentials: cookies
 * are for the pages, and the API takes its token from a header that no browser sends by itself.
 *
 * Not the adapters' own: theirs cannot be kept to some paths in one way for both.
 * @param origins compared byte by byte, never as a pattern; `null`, the origin of any sandbox, cannot be one
 */
export function allowOrigins(origins: readonly string[]): Middleware {
  const allowed = new Set(origins);
  return (request, response, next) => {
    if (!/^\/api(\/|\?|$)/.test(request.url ?? '')) return next();
    response.setHeader('Vary', 'Origin');
    const { origin } = request.headers;
    if (origin === undefined || !allowed.has(origin)) return next();
    response.setHeader('Access-Control-Allow-Origin', origin);
    if (request.method !== 'OPTIONS' || !request.headers['access-control-request-method']) {
      response.setHeader('Access-Control-Expose-Headers', ANSWER_HEADERS);
      return next();
    }
    response.setHeader('Access-Control-Allow-Methods', METHODS);
    response.setHeader('Access-Control-Allow-Headers', REQUEST_HEADERS);
    response.setHeader('Access-Control-Max-Age', PREFLIGHT_SECONDS);
    response.writeHead(204).end();
  };
}
