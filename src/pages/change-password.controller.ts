import { Get, Post } from '@nestjs/common';
import { PasswordChangeService } from '../account';
import type { RequestSource } from '../common';
import { type Authenticated, CurrentAuthentication, Source } from '../http';
import { LimitPerSource } from '../limits';
import type { User } from '../users';
import { Form } from './form';
import { ChangePasswordForm } from './forms';
import { Page, Redirect } from './page';
import { PageController } from './page-controller';
import type { FormPage } from './page-request';

@PageController('change_password', { audience: 'signed-in' })
export class ChangePasswordController implements FormPage {
  constructor(private readonly changes: PasswordChangeService) {}

  @Get()
  form(): Page {
    return new Page('change-password', {});
  }

  @Post()
  @LimitPerSource('password-change')
  async change(
    @Form() { currentPassword, password }: ChangePasswordForm,
    @CurrentAuthentication() current: Authenticated<User>,
    @Source() source: RequestSource,
  ): Promise<Redirect> {
    const session = await this.changes.change(current, { currentPassword, password }, source);
    return new Redirect('/account', { flash: 'passwordChanged', session });
  }
}
