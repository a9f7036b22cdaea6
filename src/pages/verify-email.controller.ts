import { Get, Param, Post, Req } from '@nestjs/common';
import { maskEmail, type RequestSource } from '../common';
import { requestSource, Source } from '../http';
import { LimitPerSource } from '../limits';
import { RegistrationService } from '../registration';
import { DEAD_REGISTRATION_LINKS } from './dead-links';
import { Form } from './form';
import { VerifyEmailForm } from './forms';
import { Page, Redirect } from './page';
import { PageController } from './page-controller';
import type { FormPage, PageRequest } from './page-request';

/** The link that, with the password chosen at the registration, confirms an address. Opening it changes nothing. */
@PageController('verify_email/:token', { deadLinks: DEAD_REGISTRATION_LINKS })
export class VerifyEmailController implements FormPage {
  constructor(private readonly registrations: RegistrationService) {}

  @Get()
  @LimitPerSource('registration-look')
  async form(@Req() request: PageRequest, @Param('token') token: string): Promise<Page> {
    const registration = request.refusal
      ? await this.registrations.inspectAgain(token)
      : await this.registrations.inspect(token, requestSource(request));
    return new Page('verify-email', { ...registration, maskedEmail: maskEmail(registration.email) });
  }

  @Post()
  @LimitPerSource('registration-confirm')
  async confirm(
    @Param('token') token: string,
    @Form() { password }: VerifyEmailForm,
    @Source() source: RequestSource,
  ): Promise<Redirect> {
    await this.registrations.confirm(token, password, source);
    return new Redirect('/login', { flash: 'addressConfirmed' });
  }
}
