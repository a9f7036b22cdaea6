import { Get, Param, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { EmailChangeService } from '../account';
import { maskEmail, requestSource } from '../common';
import { LimitPerSource } from '../limits';
import { LinkPages } from './link-pages';
import { PageController } from './page-controller';
import type { PageRequest } from './page-request';

/** The link by which a new address is confirmed. */
@PageController('confirm_email/:token')
export class ConfirmEmailController {
  constructor(
    private readonly changes: EmailChangeService,
    private readonly links: LinkPages,
  ) {}

  @Get()
  @LimitPerSource('email-change-look')
  form(
    @Req() request: PageRequest,
    @Res() reply: FastifyReply,
    @Param('token') token: string,
  ): Promise<void> {
    return this.links.show(request, reply, 'confirm-email', async () => {
      const { email } = await this.changes.look(token, requestSource(request));
      return { email: maskEmail(email) };
    });
  }

  @Post()
  @LimitPerSource('email-change-confirm')
  confirm(
    @Req() request: PageRequest,
    @Res() reply: FastifyReply,
    @Param('token') token: string,
  ): Promise<void> {
    return this.links.act(request, reply, 'addressChanged', () =>
      this.changes.confirm(token, requestSource(request)),
    );
  }
}
