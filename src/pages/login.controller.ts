import { Get, Post, Req } from '@nestjs/common';
import { AuthService } from '../auth';
import { parseEmailAddress, type RequestSource } from '../common';
import { Source } from '../http';
import { LimitPerSource } from '../limits';
import { Form } from './form';
import { LoginForm } from './forms';
import { Page, Redirect } from './page';
import { PageController } from './page-controller';
import type { FormPage, PageRequest } from './page-request';
import { SESSION_OVER_PARAMETER } from './signed-out';

@PageController('login', { audience: 'signed-out' })
export class LoginController implements FormPage {
  constructor(private readonly auth: AuthService) {}

  @Get()
  form(@Req() { query, refusal }: PageRequest): Page {
    return new Page('login', { isSessionOver: !refusal && SESSION_OVER_PARAMETER in (query as object) });
  }

  @Post()
  @LimitPerSource('login')
  async login(@Form() { email, password }: LoginForm, @Source() source: RequestSource): Promise<Redirect> {
    const session = await this.auth.login(parseEmailAddress(email), password, source);
    return new Redirect('/', { session });
  }
}
