import { Get, Param, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { requestSource } from '../common';
import { LimitPerSource } from '../limits';
import { PasswordResetService } from '../password-reset';
import { LinkPages } from './link-pages';
import { PageController } from './page-controller';
import type { PageRequest } from './page-request';

/** The link by which people say that it was not they who asked for a reset. */
@PageController('not_me/:token')
export class NotMeController {
  constructor(
    private readonly resets: PasswordResetService,
    private readonly links: LinkPages,
  ) {}

  @Get()
  @LimitPerSource('disavow-look')
  form(
    @Req() request: PageRequest,
    @Res() reply: FastifyReply,
    @Param('token') token: string,
  ): Promise<void> {
    return this.links.show(request, reply, 'not-me', async () => {
      const { quietSeconds } = await this.resets.lookDisavow(token);
      return { quietMinutes: Math.ceil(quietSeconds / 60) };
    });
  }

  @Post()
  @LimitPerSource('disavow')
  disavow(
    @Req() request: PageRequest,
    @Res() reply: FastifyReply,
    @Param('token') token: string,
  ): Promise<void> {
    return this.links.act(request, reply, 'disavowed', () =>
      this.resets.disavow(token, requestSource(request)),
    );
  }
}
