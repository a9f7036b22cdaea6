import { Body, Get, Post, Req, Res, UseInterceptors } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { EmailChangeService } from '../account';
import { parseEmailAddress, requestSource } from '../common';
import { LimitPerSource } from '../limits';
import { formFields } from './form-fields';
import { readProblems } from './form-problems';
import { PageController } from './page-controller';
import type { SignedInRequest } from './page-request';
import { Pages } from './pages';
import { SignedInOnly } from './signed-in-only.interceptor';

@PageController('change_email')
@UseInterceptors(SignedInOnly)
export class ChangeEmailController {
  constructor(
    private readonly changes: EmailChangeService,
    private readonly pages: Pages,
  ) {}

  @Get()
  form(@Req() request: SignedInRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.pages.send(request, reply, 'change-email', { email: '', problems: {} });
  }

  @Post()
  @LimitPerSource('email-change')
  async change(
    @Req() request: SignedInRequest,
    @Res() reply: FastifyReply,
    @Body() body: unknown,
  ): Promise<void> {
    const { email: typed, currentPassword } = formFields(body, 'email', 'currentPassword');
    const email = parseEmailAddress(typed.trim());
    if (!email) {
      const page = { email: typed, problems: { email: true } };
      return this.pages.send(request, reply, 'change-email', page, 400);
    }
    const { user } = request.authenticated;
    try {
      await this.changes.request(user, { email, currentPassword }, requestSource(request));
    } catch (error) {
      const { problems, status } = readProblems(error, reply);
      return this.pages.send(request, reply, 'change-email', { email: typed, problems }, status);
    }
    // Taken or free: the same answer, so that nobody learns who has an account here.
    this.pages.redirect(reply, '/account', 'checkNewAddress');
  }
}
