import { Post, Req, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { PageController } from './page-controller';
import type { PageRequest } from './page-request';
import { PageSessions } from './page-sessions';
import { Pages } from './pages';
import { SIGNED_OUT } from './signed-out';

@PageController('logout')
export class LogoutController {
  constructor(
    private readonly sessions: PageSessions,
    private readonly pages: Pages,
  ) {}

  @Post()
  async logout(@Req() request: PageRequest, @Res() reply: FastifyReply): Promise<void> {
    await this.sessions.end(request, reply);
    this.pages.redirect(reply, SIGNED_OUT);
  }
}
