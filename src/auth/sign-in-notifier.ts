import { Injectable, Logger, Optional } from '@nestjs/common';
import { Clock, describeError, RequestSource } from '../common';
import { MailService } from '../mail';
import type { User } from '../users';
import { signInNoticeMail } from './auth.mails';
import { AuthOptions } from './auth.options';

/** Notifies owners of sign-ins by somebody who may have guessed the password (OWASP ASVS 6.3.5). */
@Injectable()
export class SignInNotifier {
  private readonly logger = new Logger('SignInNotifier');

  constructor(
    private readonly clock: Clock,
    private readonly options: AuthOptions,
    @Optional() private readonly mails?: MailService,
  ) {}

  /** @param failures wrong passwords for the account before the right one */
  notify(user: User, source: RequestSource, failures: number): void {
    const { noticeAfterFailures, requestUrl } = this.options;
    if (noticeAfterFailures === 0 || failures < noticeAfterFailures || !requestUrl) return;
    // Not awaited, so that the time of the answer does not reveal that the owner is notified.
    this.mails
      ?.enqueue(signInNoticeMail(user, this.clock.now(), source, requestUrl))
      .catch((error: unknown) => this.logger.error(describeError(error)));
  }
}
