import { Get, Post } from '@nestjs/common';
import { EmailChangeService } from '../account';
import type { RequestSource } from '../common';
import { type Authenticated, CurrentAuthentication, Source } from '../http';
import { LimitPerSource } from '../limits';
import type { User } from '../users';
import { Form } from './form';
import { ChangeEmailForm } from './forms';
import { Page, Redirect } from './page';
import { PageController } from './page-controller';
import type { FormPage } from './page-request';

@PageController('change_email', { audience: 'signed-in' })
export class ChangeEmailController implements FormPage {
  constructor(private readonly changes: EmailChangeService) {}

  @Get()
  form(): Page {
    return new Page('change-email', {});
  }

  @Post()
  @LimitPerSource('email-change')
  async change(
    @Form() { email, currentPassword }: ChangeEmailForm,
    @CurrentAuthentication() current: Authenticated<User>,
    @Source() source: RequestSource,
  ): Promise<Redirect> {
    await this.changes.request(current, { email, currentPassword }, source);
    // Taken or free: the same answer, so that nobody learns who has an account here.
    return new Redirect('/account', { flash: 'checkNewAddress' });
  }
}
