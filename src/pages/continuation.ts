import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { PageCookies } from './cookies';

const SECONDS_KEPT = 600;
/** The pages for people who are not signed in. Nothing else: a cookie may have been planted. */
const PATHS = /^\/(login|register|reset_password_request|reset_password\/[\w.-]+)$/;

/**
 * The page for people who are not signed in that somebody who is signed in has opened. A cookie keeps it, because the token
 * of a mailed link must not get into another address.
 */
@Injectable()
export class Continuation {
  constructor(private readonly cookies: PageCookies) {}

  /** @returns the path, if it is one of those pages */
  remember(request: FastifyRequest, reply: FastifyReply): string | undefined {
    const { token = '' } = request.params as { token?: string };
    const path = request.routeOptions.url?.replace(':token', token) ?? '';
    if (!PATHS.test(path)) return undefined;
    this.cookies.write(reply, 'continuation', path, SECONDS_KEPT);
    return path;
  }

  find(request: FastifyRequest): `/${string}` | undefined {
    const path = this.cookies.read(request, 'continuation');
    return path !== undefined && PATHS.test(path) ? (path as `/${string}`) : undefined;
  }
}
