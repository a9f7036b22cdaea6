import { Injectable } from '@nestjs/common';
import type { EmailAddress, RequestSource } from '../common';

export interface RegistrationRequest {
  email: EmailAddress;
  username: string;
  password: string;
  locale?: string | null;
}

/** Ask for an account, look at the link of the mail, confirm the address. */
@Injectable()
export class RegistrationService {
  /**
   * Ask. The same work for every address: whether it has an account, only the worker finds out.
   * @throws PasswordRejectedError, OverloadedError
   */
  request(_registration: RegistrationRequest, _source: RequestSource): Promise<void> {
    throw new Error('not built yet');
  }

  /** Look. Spends nothing. @throws LinkInvalidError, LinkExpiredError, LinkUsedError */
  look(_token: string): Promise<{ username: string; email: string; requestedAt: Date }> {
    throw new Error('not built yet');
  }

  /** Confirm: the address is proven, the account can sign in. @throws as {@link look} */
  confirm(_token: string, _source: RequestSource): Promise<void> {
    throw new Error('not built yet');
  }
}
