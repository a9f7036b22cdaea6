import type { FastifyReply } from 'fastify';
import { ApiError } from '../common';

const HEADERS = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy':
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Cross-Origin-Opener-Policy': 'same-origin',
};

/** Sets the headers that every answer of the pages has, whatever its status. */
export function setPageHeaders(reply: FastifyReply): FastifyReply {
  const route = reply.request.routeOptions.url;
  // The address of a mailed link is a secret. The other pages send theirs to us, because without a referrer browsers hide the
  // origin of their forms, too (Fetch standard, "append a request Origin header").
  const isSecret = route === undefined || route.includes(':token');
  return reply.headers({ ...HEADERS, 'Referrer-Policy': isSecret ? 'no-referrer' : 'same-origin' });
}

/** Passes on the `Retry-After` of an error. Its other headers are for programs. */
export function setRetryAfter(reply: FastifyReply, error: unknown): void {
  const seconds = error instanceof ApiError && error.headers['Retry-After'];
  if (seconds && !reply.sent) void reply.header('Retry-After', seconds);
}
