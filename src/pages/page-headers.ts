import type { FastifyReply } from 'fastify';
import type { ApiError } from '../common';

const HEADERS = {
  // A page reached with a reset link must not tell anybody its address.
  'Referrer-Policy': 'no-referrer',
  'Cache-Control': 'no-store',
  'Content-Security-Policy':
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Cross-Origin-Opener-Policy': 'same-origin',
};

/** Gives an answer the headers of a page, whatever its status. */
export function setPageHeaders(reply: FastifyReply): FastifyReply {
  return reply.headers(HEADERS);
}

/** Passes on when an error says to try again. Its other headers are for programs. */
export function setRetryAfter(reply: FastifyReply, { headers }: ApiError): void {
  const seconds = headers['Retry-After'];
  if (seconds) void reply.header('Retry-After', seconds);
}
