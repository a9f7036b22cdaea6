import { Injectable, Logger, Optional } from '@nestjs/common';
import { Clock, describeError, RequestSource } from '../common';
import { MailQueue } from '../mail';
import type { User } from '../users';
import { signInNoticeMail } from './auth.mails';
import { AuthOptions } from './auth.options';

/** Tells owners of sign-ins that may be those of somebody who has guessed the password (OWASP ASVS 6.3.5). */
@Injectable()
export class SignInNotices {
  private readonly logger = new Logger('SignInNotices');

  constructor(
    private readonly clock: Clock,
    private readonly options: AuthOptions,
    @Optional() private readonly mails?: MailQueue,
  ) {}

  /** @param failures wrong passwords for the account before the right one */
  tell(user: User, source: RequestSource, failures: number): void {
    const { noticeAfterFailures, requestUrl } = this.options;
    if (noticeAfterFailures === 0 || failures < noticeAfterFailures || !requestUrl) return;
    // Not waited for, so that whoever has just signed in cannot tell from the time that the owner will know.
    this.mails
      ?.enqueue(signInNoticeMail(user, this.clock.now(), source, requestUrl))
      .catch((error: unknown) => this.logger.error(describeError(error)));
  }
}
