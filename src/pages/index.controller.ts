import { Get, Query, Req } from '@nestjs/common';
import { Continuation } from './continuation';
import { Page, Redirect } from './page';
import { PageController } from './page-controller';
import type { PageRequest } from './page-request';
import { SIGNED_OUT_PARAMETER } from './signed-out';

@PageController()
export class IndexController {
  constructor(private readonly continuation: Continuation) {}

  @Get()
  index(@Req() request: PageRequest, @Query(SIGNED_OUT_PARAMETER) signedOut: unknown): Page {
    return new Page('index', {
      justSignedOut: signedOut !== undefined,
      continuation: this.continuation.find(request),
    });
  }

  /** Where password managers look for the page that changes a password (W3C, "A Well-Known URL for Changing Passwords"). */
  @Get('.well-known/change-password')
  changePassword(@Req() { authenticated }: PageRequest): Redirect {
    return new Redirect(authenticated ? '/change_password' : '/reset_password_request', { status: 302 });
  }
}
