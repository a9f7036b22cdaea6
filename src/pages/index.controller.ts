import { Get, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { PageController } from './page-controller';
import { setPageHeaders } from './page-headers';
import type { PageRequest } from './page-request';
import { Pages } from './pages';
import { SIGNED_OUT_PARAMETER } from './signed-out';

@PageController()
export class IndexController {
  constructor(private readonly pages: Pages) {}

  @Get()
  index(
    @Req() request: PageRequest,
    @Res() reply: FastifyReply,
    @Query(SIGNED_OUT_PARAMETER) signedOut: unknown,
  ): Promise<void> {
    const username = request.authenticated?.user.username;
    return this.pages.send(request, reply, 'index', { username, justSignedOut: signedOut !== undefined });
  }

  /** Where password managers look for the page that changes a password (W3C, "A Well-Known URL for Changing Passwords"). */
  @Get('.well-known/change-password')
  changePassword(@Req() request: PageRequest, @Res() reply: FastifyReply): void {
    const path = request.authenticated ? '/change_password' : '/reset_password_request';
    void setPageHeaders(reply).redirect(path, 302);
  }
}
