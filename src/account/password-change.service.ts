import { Injectable } from '@nestjs/common';
import type { AccessToken } from '../auth';
import type { RequestSource } from '../common';
import type { User } from '../users';

/** Change of password by somebody who is signed in. */
@Injectable()
export class PasswordChangeService {
  /**
   * Ends every session and link of the account, and begins a new session.
   * @throws WrongPasswordError, PasswordRejectedError, OverloadedError
   */
  change(
    _user: User,
    _passwords: { currentPassword: string; password: string },
    _source: RequestSource,
  ): Promise<AccessToken> {
    throw new Error('not built yet');
  }
}
