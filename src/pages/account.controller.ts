import { Get, NotFoundException, Param, Post, Req, Res, UseInterceptors } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { AuthService } from '../auth';
import { requestSource } from '../common';
import { browserName } from './browser-name';
import { PageController } from './page-controller';
import type { SignedInRequest } from './page-request';
import { PageSessions } from './page-sessions';
import { Pages } from './pages';
import { SIGNED_OUT } from './signed-out';
import { SignedInOnly } from './signed-in-only.interceptor';

@PageController()
@UseInterceptors(SignedInOnly)
export class AccountController {
  constructor(
    private readonly auth: AuthService,
    private readonly sessions: PageSessions,
    private readonly pages: Pages,
  ) {}

  @Get('account')
  async account(@Req() request: SignedInRequest, @Res() reply: FastifyReply): Promise<void> {
    const { user, sessionId } = request.authenticated;
    const views = await this.auth.sessionsOf(user.id, sessionId);
    const sessions = views.map(({ userAgent, ...view }) => ({ ...view, browser: browserName(userAgent) }));
    const { username, email } = user;
    await this.pages.send(request, reply, 'account', { username, email, sessions });
  }

  @Post('sessions/:id/end')
  async endSession(
    @Req() request: SignedInRequest,
    @Res() reply: FastifyReply,
    @Param('id') id: string,
  ): Promise<void> {
    const { user, sessionId } = request.authenticated;
    if (id === sessionId) {
      await this.sessions.end(request, reply);
      return this.pages.redirect(reply, SIGNED_OUT);
    }
    const ended = await this.auth.endSession(user.id, id, requestSource(request));
    if (!ended) throw new NotFoundException();
    this.pages.redirect(reply, '/account', 'sessionEnded');
  }
}
