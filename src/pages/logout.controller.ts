import { Post, Req } from '@nestjs/common';
import { AuthService } from '../auth';
import { requestSource } from '../http';
import { Continuation } from './continuation';
import { formFields } from './form';
import { Answer, Page, Redirect } from './page';
import { PageController } from './page-controller';
import type { FormPage, PageRequest } from './page-request';
import { SIGNED_OUT } from './signed-out';

@PageController('logout')
export class LogoutController implements FormPage {
  constructor(
    private readonly auth: AuthService,
    private readonly continuation: Continuation,
  ) {}

  @Post()
  async logout(@Req() request: PageRequest): Promise<Redirect> {
    if (request.authenticated)
      await this.auth.logout(request.authenticated.sessionId, requestSource(request));
    const continues = formFields(request.body, 'continue').continue !== '';
    const path = continues ? this.continuation.find(request) : undefined;
    return new Redirect(path ?? SIGNED_OUT, { isGoodbye: true });
  }

  /** A form that is out of date because its session has ended is carried out: its sender is signed out. */
  async form(request: PageRequest): Promise<Answer> {
    if (!request.authenticated) return this.logout(request);
    return new Page('index', { continuation: this.continuation.find(request) });
  }
}
