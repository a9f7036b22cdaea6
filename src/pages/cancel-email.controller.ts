import { Get, Param, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { EmailChangeService } from '../account';
import { maskEmail, requestSource } from '../common';
import { LimitPerSource } from '../limits';
import { LinkPages } from './link-pages';
import { PageController } from './page-controller';
import type { PageRequest } from './page-request';

/** The link by which the owner of the old address stops a change of address. */
@PageController('cancel_email/:token')
export class CancelEmailController {
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
    return this.links.show(request, reply, 'cancel-email', async () => {
      const { email } = await this.changes.lookCancel(token, requestSource(request));
      return { email: maskEmail(email) };
    });
  }

  @Post()
  @LimitPerSource('email-change-cancel')
  cancel(
    @Req() request: PageRequest,
    @Res() reply: FastifyReply,
    @Param('token') token: string,
  ): Promise<void> {
    return this.links.act(request, reply, 'addressKept', () =>
      this.changes.cancel(token, requestSource(request)),
    );
  }
}
