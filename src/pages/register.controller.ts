import { Get, Headers, Post } from '@nestjs/common';
import { type RequestSource, Translations } from '../common';
import { Source } from '../http';
import { LimitPerSource } from '../limits';
import { RegistrationService } from '../registration';
import { Form } from './form';
import { RegisterForm } from './forms';
import { Page, Redirect } from './page';
import { PageController } from './page-controller';
import type { FormPage } from './page-request';

@PageController('register', { audience: 'signed-out' })
export class RegisterController implements FormPage {
  constructor(
    private readonly registrations: RegistrationService,
    private readonly translations: Translations,
  ) {}

  @Get()
  form(): Page {
    return new Page('register', {});
  }

  @Post()
  @LimitPerSource('registration')
  async register(
    @Form() { email, username, password }: RegisterForm,
    @Headers('accept-language') languages: string | undefined,
    @Source() source: RequestSource,
  ): Promise<Redirect> {
    const locale = this.translations.negotiate(languages);
    await this.registrations.request({ email, username, password, locale }, source);
    // Known or not: the same answer, so that nobody learns who has an account here.
    return new Redirect('/login', { flash: 'registered' });
  }
}
