import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AuthService } from '../auth';
import { Authenticated, requestSource } from '../common';
import type { User } from '../users';
import { PageCookies } from './cookies';
import type { PageRequest } from './page-request';

/** Keeps the session of a browser: an access token of `auth` in a cookie. */
@Injectable()
export class PageSessions {
  constructor(
    private readonly auth: AuthService,
    private readonly cookies: PageCookies,
  ) {}

  async find(request: FastifyRequest): Promise<Authenticated<User> | undefined> {
    const token = this.cookies.read(request, 'session');
    return token ? this.auth.authenticate(token) : undefined;
  }

  start(reply: FastifyReply, { accessToken, expiresIn }: { accessToken: string; expiresIn: number }): void {
    this.cookies.write(reply, 'session', accessToken, expiresIn);
    // Forms from before the login must not work again after the logout.
    this.cookies.clear(reply, 'preSession');
  }

  /** Ends the session, and has the browser forget everything that came from here (OWASP ASVS 14.3.1). */
  async end(request: PageRequest, reply: FastifyReply): Promise<void> {
    if (request.authenticated)
      await this.auth.logout(request.authenticated.sessionId, requestSource(request));
    this.cookies.clear(reply, 'session');
    void reply.header('Clear-Site-Data', '"cache", "cookies", "storage"');
  }

  /** After an act that may have ended this browser's session too: leaves no dead cookie behind. */
  async forgetIfEnded(request: PageRequest, reply: FastifyReply): Promise<void> {
    if (this.cookies.read(request, 'session') === undefined) return;
    if (!(await this.find(request))) this.cookies.clear(reply, 'session');
  }
}
