import { Get, Param, Post, Req } from '@nestjs/common';
import { EmailChangeService } from '../account';
import { maskEmail, type RequestSource } from '../common';
import { requestSource, Source } from '../http';
import { LimitPerSource } from '../limits';
import { DEAD_ACTION_LINKS } from './dead-links';
import { Page, Redirect } from './page';
import { PageController } from './page-controller';
import type { FormPage, PageRequest } from './page-request';

/** The link with which the owner of the old address stops a change of address. */
@PageController('cancel_email/:token', { deadLinks: DEAD_ACTION_LINKS })
export class CancelEmailController implements FormPage {
  constructor(private readonly changes: EmailChangeService) {}

  @Get()
  @LimitPerSource('email-change-look')
  async form(@Req() request: PageRequest, @Param('token') token: string): Promise<Page> {
    const { email } = await this.changes.inspectCancellation(token, requestSource(request));
    return new Page('cancel-email', { email: maskEmail(email) });
  }

  @Post()
  @LimitPerSource('email-change-cancel')
  async cancel(@Param('token') token: string, @Source() source: RequestSource): Promise<Redirect> {
    await this.changes.cancel(token, source);
    return new Redirect('/login', { flash: 'addressKept', mayEndSession: true });
  }
}
