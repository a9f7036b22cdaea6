import type { IncomingMessage, ServerResponse } from 'node:http';
import { randomUUID } from 'node:crypto';
import { toProblem } from '../http';

/** For a background worker: it answers health checks and nothing else. */
export function healthOnly(request: IncomingMessage, response: ServerResponse, next: () => void): void {
  if (/^\/health\/(live|ready)(\?|$)/.test(request.url ?? '')) return next();
  response.statusCode = 404;
  response.setHeader('Content-Type', 'application/problem+json; charset=utf-8');
  response.setHeader('Cache-Control', 'no-store');
  response.end(JSON.stringify(toProblem({ statusCode: 404 }, randomUUID())));
}
