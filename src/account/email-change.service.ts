import { Injectable } from '@nestjs/common';
import type { EmailAddress, RequestSource } from '../common';
import type { User } from '../users';

/** Change of address: asked for by the owner, pending until the new address confirms, stoppable from the old one. */
@Injectable()
export class EmailChangeService {
  /**
   * Ask. An address that is taken looks like success.
   * @throws WrongPasswordError, OverloadedError
   */
  request(
    _user: User,
    _change: { email: EmailAddress; currentPassword: string },
    _source: RequestSource,
  ): Promise<void> {
    throw new Error('not built yet');
  }

  /** Look at the link that the new address got. Spends nothing. @throws LinkInvalidError, LinkExpiredError, LinkUsedError */
  look(_token: string): Promise<{ email: string }> {
    throw new Error('not built yet');
  }

  /** Confirm, from the new address. Ends every session and link. @throws as {@link look} */
  confirm(_token: string, _source: RequestSource): Promise<void> {
    throw new Error('not built yet');
  }

  /** Look at the link that the old address got. Spends nothing. @throws as {@link look} */
  lookCancel(_token: string): Promise<{ email: string }> {
    throw new Error('not built yet');
  }

  /** Stop a pending change, from the old address; also ends every session. @throws as {@link look} */
  cancel(_token: string, _source: RequestSource): Promise<void> {
    throw new Error('not built yet');
  }
}
