import { Get, Param, Post, Req } from '@nestjs/common';
import type { RequestSource } from '../common';
import { Source } from '../http';
import { LimitPerSource } from '../limits';
import { DisavowalService } from '../password-reset';
import { DEAD_ACTION_LINKS } from './dead-links';
import { Page, Redirect } from './page';
import { PageController } from './page-controller';
import type { FormPage, PageRequest } from './page-request';

/** The link "this was not me", for a reset that somebody else has requested. */
@PageController('not_me/:token', { deadLinks: DEAD_ACTION_LINKS })
export class NotMeController implements FormPage {
  constructor(private readonly disavowal: DisavowalService) {}

  @Get()
  @LimitPerSource('disavow-look')
  async form(@Req() _: PageRequest, @Param('token') token: string): Promise<Page> {
    const { quietSeconds } = await this.disavowal.inspect(token);
    return new Page('not-me', { quietMinutes: Math.ceil(quietSeconds / 60) });
  }

  @Post()
  @LimitPerSource('disavow')
  async disavow(@Param('token') token: string, @Source() source: RequestSource): Promise<Redirect> {
    await this.disavowal.confirm(token, source);
    return new Redirect('/login', { flash: 'disavowed', mayEndSession: true });
  }
}
