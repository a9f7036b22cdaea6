import { Body, Get, Post, Req, Res, UseInterceptors } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { AuthService, InvalidCredentialsError } from '../auth';
import { OverloadedError, parseEmailAddress, requestSource } from '../common';
import { LimitPerSource } from '../limits';
import { formFields } from './form-fields';
import { PageController } from './page-controller';
import { setRetryAfter } from './page-headers';
import type { PageRequest } from './page-request';
import { PageSessions } from './page-sessions';
import { Pages } from './pages';
import { SignedOutOnly } from './signed-out-only.interceptor';

@PageController('login')
@UseInterceptors(SignedOutOnly)
export class LoginController {
  constructor(
    private readonly auth: AuthService,
    private readonly sessions: PageSessions,
    private readonly pages: Pages,
  ) {}

  @Get()
  form(@Req() request: PageRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.pages.send(request, reply, 'login', { email: '' });
  }

  @Post()
  @LimitPerSource('login')
  async login(@Req() request: PageRequest, @Res() reply: FastifyReply, @Body() body: unknown): Promise<void> {
    const { email, password } = formFields(body, 'email', 'password');
    try {
      this.sessions.start(
        reply,
        await this.auth.login(parseEmailAddress(email.trim()), password, requestSource(request)),
      );
      this.pages.redirect(reply, '/');
    } catch (error) {
      if (error instanceof InvalidCredentialsError) {
        return this.pages.send(request, reply, 'login', { email, problem: 'failed' }, 401);
      }
      if (error instanceof OverloadedError) {
        setRetryAfter(reply, error);
        return this.pages.send(request, reply, 'login', { email, problem: 'overloaded' }, 503);
      }
      throw error;
    }
  }
}
