import { Body, Get, Post, Req, Res, UseInterceptors } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { parseEmailAddress, requestSource } from '../common';
import { LimitPerSource } from '../limits';
import { PasswordResetService } from '../password-reset';
import { formFields } from './form-fields';
import { PageController } from './page-controller';
import type { PageRequest } from './page-request';
import { Pages } from './pages';
import { SignedOutOnly } from './signed-out-only.interceptor';

@PageController('reset_password_request')
@UseInterceptors(SignedOutOnly)
export class ResetPasswordRequestController {
  constructor(
    private readonly resets: PasswordResetService,
    private readonly pages: Pages,
  ) {}

  @Get()
  form(@Req() request: PageRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.pages.send(request, reply, 'reset-password-request', { email: '' });
  }

  @Post()
  @LimitPerSource('password-reset')
  async request(
    @Req() request: PageRequest,
    @Res() reply: FastifyReply,
    @Body() body: unknown,
  ): Promise<void> {
    const { email } = formFields(body, 'email');
    const address = parseEmailAddress(email.trim());
    if (!address) {
      return this.pages.send(request, reply, 'reset-password-request', { email, problem: 'email' }, 400);
    }
    await this.resets.request(address, requestSource(request));
    // Known or not: the same answer, so that nobody learns who has an account here.
    this.pages.redirect(reply, '/login', 'checkEmail');
  }
}
