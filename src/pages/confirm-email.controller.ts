import { Get, Param, Post, Req } from '@nestjs/common';
import { EmailChangeService } from '../account';
import { maskEmail } from '../common';
import { requestSource } from '../http';
import { LimitPerSource } from '../limits';
import { DEAD_ACTION_LINKS } from './dead-links';
import { Form } from './form';
import { ConfirmEmailForm } from './forms';
import { Answer, Page, Redirect } from './page';
import { PageController } from './page-controller';
import type { FormPage, PageRequest } from './page-request';

/** The link that confirms a new address, for somebody who is signed in to the account or knows its password. */
@PageController('confirm_email/:token', { deadLinks: DEAD_ACTION_LINKS })
export class ConfirmEmailController implements FormPage {
  constructor(private readonly changes: EmailChangeService) {}

  @Get()
  @LimitPerSource('email-change-look')
  async form(@Req() request: PageRequest, @Param('token') token: string): Promise<Answer> {
    const { email, userId, state, effectiveAt } = request.refusal
      ? await this.changes.inspectAgain(token)
      : await this.changes.inspect(token, requestSource(request));
    if (state === 'done') return new Redirect('/login', { flash: 'addressChanged' });
    const needsPassword = request.authenticated?.user.id !== userId;
    return new Page('confirm-email', { email: maskEmail(email), needsPassword, effectiveAt });
  }

  @Post()
  @LimitPerSource('email-change-confirm')
  async confirm(
    @Req() request: PageRequest,
    @Param('token') token: string,
    @Form() { password }: ConfirmEmailForm,
  ): Promise<Answer> {
    const proof = { user: request.authenticated?.user, password: password || undefined };
    const effectiveAt = await this.changes.confirm(token, proof, requestSource(request));
    if (!effectiveAt) return new Redirect('/login', { flash: 'addressChanged', mayEndSession: true });
    // The page says when the address changes, which no message can.
    const { email } = await this.changes.inspectAgain(token);
    return new Page('confirm-email', { email: maskEmail(email), needsPassword: false, effectiveAt });
  }
}
