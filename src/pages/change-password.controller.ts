import { Body, Get, Post, Req, Res, UseInterceptors } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { PasswordChangeService } from '../account';
import { requestSource } from '../common';
import { LimitPerSource } from '../limits';
import { formFields } from './form-fields';
import { readProblems } from './form-problems';
import { PageController } from './page-controller';
import type { FormProblems } from './page-data';
import type { SignedInRequest } from './page-request';
import { PageSessions } from './page-sessions';
import { Pages } from './pages';
import { PagesOptions } from './pages.options';
import { SignedInOnly } from './signed-in-only.interceptor';

@PageController('change_password')
@UseInterceptors(SignedInOnly)
export class ChangePasswordController {
  constructor(
    private readonly changes: PasswordChangeService,
    private readonly sessions: PageSessions,
    private readonly pages: Pages,
    private readonly options: PagesOptions,
  ) {}

  @Get()
  form(@Req() request: SignedInRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.show(request, reply);
  }

  @Post()
  @LimitPerSource('password-change')
  async change(
    @Req() request: SignedInRequest,
    @Res() reply: FastifyReply,
    @Body() body: unknown,
  ): Promise<void> {
    const { currentPassword, password, password2 } = formFields(
      body,
      'currentPassword',
      'password',
      'password2',
    );
    if (password !== password2) return this.show(request, reply, { mismatch: true }, 422);
    const { user } = request.authenticated;
    try {
      const passwords = { currentPassword, password };
      this.sessions.start(reply, await this.changes.change(user, passwords, requestSource(request)));
    } catch (error) {
      const { problems, status } = readProblems(error, reply);
      return this.show(request, reply, problems, status);
    }
    this.pages.redirect(reply, '/account', 'passwordChanged');
  }

  private show(
    request: SignedInRequest,
    reply: FastifyReply,
    problems: FormProblems = {},
    status = 200,
  ): Promise<void> {
    const { email } = request.authenticated.user;
    const page = { email, problems, minLength: this.options.passwordMinLength };
    return this.pages.send(request, reply, 'change-password', page, status);
  }
}
