import { Get, Param, Post, Req } from '@nestjs/common';
import type { RequestSource } from '../common';
import { requestSource, Source } from '../http';
import { LimitPerSource } from '../limits';
import { PasswordResetService } from '../password-reset';
import { DEAD_RESET_LINKS } from './dead-links';
import { Form } from './form';
import { ResetPasswordForm } from './forms';
import { Page, Redirect } from './page';
import { PageController } from './page-controller';
import type { FormPage, PageRequest } from './page-request';

/** The link of the mail. Opening it changes nothing, however often; only its form does. */
@PageController('reset_password/:token', { audience: 'signed-out', deadLinks: DEAD_RESET_LINKS })
export class ResetPasswordController implements FormPage {
  constructor(private readonly resets: PasswordResetService) {}

  @Get()
  @LimitPerSource('password-reset-verify')
  async form(@Req() request: PageRequest, @Param('token') token: string): Promise<Page> {
    const { user } = request.refusal
      ? await this.resets.inspectAgain(token)
      : await this.resets.inspect(token, requestSource(request));
    return new Page('reset-password', { email: user.email });
  }

  @Post()
  @LimitPerSource('password-reset-confirm')
  async reset(
    @Param('token') token: string,
    @Form() { password }: ResetPasswordForm,
    @Source() source: RequestSource,
  ): Promise<Redirect> {
    await this.resets.confirm(token, password, source);
    return new Redirect('/login', { flash: 'passwordReset' });
  }
}
