import { Body, Get, Param, Post, Req, Res, UseInterceptors } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { requestSource } from '../common';
import { LimitPerSource } from '../limits';
import { PasswordResetService } from '../password-reset';
import { DEAD_RESET_LINKS, unlessDead } from './dead-links';
import { formFields } from './form-fields';
import { readProblems } from './form-problems';
import { PageController } from './page-controller';
import type { FormProblems } from './page-data';
import type { PageRequest } from './page-request';
import { Pages } from './pages';
import { PagesOptions } from './pages.options';
import { SignedOutOnly } from './signed-out-only.interceptor';

/** The link of the mail. Looking spends nothing, however often; only a form of ours does. */
@PageController('reset_password/:token')
@UseInterceptors(SignedOutOnly)
export class ResetPasswordController {
  constructor(
    private readonly resets: PasswordResetService,
    private readonly pages: Pages,
    private readonly options: PagesOptions,
  ) {}

  @Get()
  @LimitPerSource('password-reset-verify')
  async form(
    @Req() request: PageRequest,
    @Res() reply: FastifyReply,
    @Param('token') token: string,
  ): Promise<void> {
    await unlessDead(DEAD_RESET_LINKS, this.pages, reply, async () => {
      await this.resets.verify(token, requestSource(request));
      await this.show(request, reply);
    });
  }

  @Post()
  @LimitPerSource('password-reset-confirm')
  async reset(
    @Req() request: PageRequest,
    @Res() reply: FastifyReply,
    @Param('token') token: string,
    @Body() body: unknown,
  ): Promise<void> {
    const { password, password2 } = formFields(body, 'password', 'password2');
    await unlessDead(DEAD_RESET_LINKS, this.pages, reply, async () => {
      if (password === password2) return this.confirm(request, reply, token, password);
      await this.resets.verify(token, requestSource(request));
      await this.show(request, reply, { mismatch: true }, 422);
    });
  }

  private async confirm(
    request: PageRequest,
    reply: FastifyReply,
    token: string,
    password: string,
  ): Promise<void> {
    try {
      await this.resets.confirm(token, password, requestSource(request));
    } catch (error) {
      const { problems, status } = readProblems(error, reply);
      return this.show(request, reply, problems, status);
    }
    this.pages.redirect(reply, '/login', 'passwordReset');
  }

  private show(
    request: PageRequest,
    reply: FastifyReply,
    problems: FormProblems = {},
    status = 200,
  ): Promise<void> {
    const { passwordMinLength } = this.options;
    const page = { problems, minLength: passwordMinLength };
    return this.pages.send(request, reply, 'reset-password', page, status);
  }
}
