import { Body, Get, Param, Post, Req, Res, UseInterceptors } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { ApiError, OverloadedError, requestSource } from '../common';
import { PasswordResetService } from '../password-reset';
import { PasswordRejectedError } from '../users';
import type { FlashName } from './flash';
import { formFields } from './form-fields';
import { PageController } from './page-controller';
import type { PageData } from './page-data';
import { setRetryAfter } from './page-headers';
import type { PageRequest } from './page-request';
import { Pages } from './pages';
import { PagesOptions } from './pages.options';
import { SignedOutOnly } from './signed-out-only.interceptor';

const DEAD_LINKS: Record<string, FlashName> = {
  RESET_TOKEN_EXPIRED: 'linkExpired',
  RESET_TOKEN_USED: 'linkUsed',
  RESET_TOKEN_INVALID: 'linkInvalid',
};

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
  async form(
    @Req() request: PageRequest,
    @Res() reply: FastifyReply,
    @Param('token') token: string,
  ): Promise<void> {
    await this.orAskAnew(reply, async () => {
      await this.resets.verify(token);
      await this.show(request, reply);
    });
  }

  @Post()
  async reset(
    @Req() request: PageRequest,
    @Res() reply: FastifyReply,
    @Param('token') token: string,
    @Body() body: unknown,
  ): Promise<void> {
    const { password, password2 } = formFields(body, 'password', 'password2');
    await this.orAskAnew(reply, async () => {
      if (password === password2) return this.confirm(request, reply, token, password);
      await this.resets.verify(token);
      await this.show(request, reply, { problem: 'mismatch' }, 422);
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
      if (error instanceof PasswordRejectedError) {
        return this.show(request, reply, { reasons: error.errors }, 422);
      }
      if (error instanceof OverloadedError) {
        setRetryAfter(reply, error);
        return this.show(request, reply, { problem: 'overloaded' }, 503);
      }
      throw error;
    }
    this.pages.redirect(reply, '/login', 'passwordReset');
  }

  private show(
    request: PageRequest,
    reply: FastifyReply,
    outcome: Pick<PageData['reset-password'], 'problem' | 'reasons'> = {},
    status = 200,
  ): Promise<void> {
    const { passwordMinLength } = this.options;
    const page = { ...outcome, minLength: passwordMinLength };
    return this.pages.send(request, reply, 'reset-password', page, status);
  }

  /** Does something with a link; where the link is dead, says so on the page that sends a new one. */
  private async orAskAnew(reply: FastifyReply, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      const reason = error instanceof ApiError ? DEAD_LINKS[error.code] : undefined;
      if (!reason) throw error;
      this.pages.redirect(reply, '/reset_password_request', reason);
    }
  }
}
