import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type AccessToken, AuthService } from '../auth';
import type { Authenticated } from '../http';
import type { User } from '../users';
import { ALL_COOKIES, PageCookies } from './cookies';
import type { PageRequest } from './page-request';

/** The session of a browser: an access token of `auth` in a cookie. */
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

  start(reply: FastifyReply, { accessToken, expiresIn }: AccessToken): void {
    this.cookies.write(reply, 'session', accessToken, expiresIn);
    // Forms from before the sign-in must not work after the sign-out.
    this.cookies.clear(reply, 'preSession');
  }

  /**
   * Has the browser forget everything that came from here (OWASP ASVS 14.3.1). The cookies one by one: the header would
   * delete those of every host of the domain (W3C Clear Site Data, section 3.1).
   */
  forgetAll(request: PageRequest, reply: FastifyReply): void {
    for (const cookie of ALL_COOKIES) {
      if (this.cookies.read(request, cookie) !== undefined) this.cookies.clear(reply, cookie);
    }
    void reply.header('Clear-Site-Data', '"cache", "storage"');
  }

  /** Clears the cookie of a session that has ended. */
  async forgetIfEnded(request: PageRequest, reply: FastifyReply): Promise<void> {
    if (this.cookies.read(request, 'session') === undefined) return;
    if (!(await this.find(request))) this.cookies.clear(reply, 'session');
  }
}
