import { Get, Req, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { PageController } from './page-controller';
import { setPageHeaders } from './page-headers';
import type { PageRequest } from './page-request';
import { Pages } from './pages';

@PageController()
export class IndexController {
  constructor(private readonly pages: Pages) {}

  @Get()
  index(@Req() request: PageRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.pages.send(request, reply, 'index', { username: request.authenticated?.user.username });
  }

  /** Where password managers look for the page that changes a password (W3C, "A Well-Known URL for Changing Passwords"). */
  @Get('.well-known/change-password')
  changePassword(@Res() reply: FastifyReply): void {
    void setPageHeaders(reply).redirect('/reset_password_request', 302);
  }
}
