import { Get, Post } from '@nestjs/common';
import type { RequestSource } from '../common';
import { Source } from '../http';
import { LimitPerSource } from '../limits';
import { PasswordResetService } from '../password-reset';
import { Form } from './form';
import { ResetPasswordRequestForm } from './forms';
import { Page, Redirect } from './page';
import { PageController } from './page-controller';
import type { FormPage } from './page-request';

@PageController('reset_password_request', { audience: 'signed-out' })
export class ResetPasswordRequestController implements FormPage {
  constructor(private readonly resets: PasswordResetService) {}

  @Get()
  form(): Page {
    return new Page('reset-password-request', {});
  }

  @Post()
  @LimitPerSource('password-reset')
  async request(
    @Form() { email }: ResetPasswordRequestForm,
    @Source() source: RequestSource,
  ): Promise<Redirect> {
    await this.resets.request(email, source);
    // Known or not: the same answer, so that nobody learns who has an account here.
    return new Redirect('/login', { flash: 'checkEmail' });
  }
}
