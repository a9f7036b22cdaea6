import helmet from 'helmet';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Settings } from './settings';

/** Middleware for Express, and through Nest for Fastify. */
export type Middleware = (request: IncomingMessage, response: ServerResponse, next: () => void) => void;

/** Adds the security headers to every response; a page replaces the policy with a wider one of its own. */
export function securityHeaders({ publicUrl }: Pick<Settings, 'publicUrl'>): Middleware {
  return helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        baseUri: ["'none'"],
        frameAncestors: ["'none'"],
        formAction: ["'none'"],
      },
    },
    referrerPolicy: { policy: 'no-referrer' },
    strictTransportSecurity: publicUrl.startsWith('https:') && {
      maxAge: 31_536_000,
      includeSubDomains: true,
    },
    xFrameOptions: { action: 'deny' },
  });
}

/** The same headers as lines, for the answer to a message that is no request. */
export function securityHeaderLines(settings: Pick<Settings, 'publicUrl'>): string[] {
  const lines: string[] = [];
  const setHeader = (name: string, value: string) => lines.push(`${name}: ${value}`);
  const response = { setHeader, removeHeader: () => undefined } as unknown as ServerResponse;
  securityHeaders(settings)({} as IncomingMessage, response, () => undefined);
  return lines;
}
