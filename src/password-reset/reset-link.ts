import { Injectable } from '@nestjs/common';
import { DeadLinkErrors, findReturnedLink, ReturnedLink, secondsAfter, SignedTokens } from '../common';
import { LONGEST_HAND_OVER_SECONDS, passwordResetQueue } from './password-reset.queue';
import { ResetTokenExpiredError, ResetTokenInvalidError } from './password-reset.errors';
import { PasswordResetOptions } from './password-reset.options';

const PURPOSE = 'password-reset';
const ERRORS: DeadLinkErrors = {
  invalid: () => new ResetTokenInvalidError(),
  expired: () => new ResetTokenExpiredError(),
};

/** Makes the link of a mail, and reads its token when it comes back. */
@Injectable()
export class ResetLink {
  constructor(
    private readonly tokens: SignedTokens,
    private readonly options: PasswordResetOptions,
  ) {}

  /**
   * For a mail that is sent now.
   * @param beginning see {@link linksBegin}. The row says when the link dies; the token ends when a link that was handed
   *   over at the very last try does.
   */
  make(resetId: string, beginning: Date): string {
    const latestHandOver = secondsAfter(
      beginning,
      passwordResetQueue.giveUpAfterSeconds + LONGEST_HAND_OVER_SECONDS,
    );
    const end = secondsAfter(latestHandOver, this.options.tokenTtlSeconds);
    const token = this.tokens.sign(PURPOSE, resetId, end, beginning);
    return this.options.resetUrl.replaceAll('{token}', token);
  }

  /** @throws ResetTokenInvalidError, ResetTokenExpiredError: see {@link findReturnedLink} */
  find<Row>(
    token: string,
    findById: (resetId: string) => Promise<Row | undefined>,
  ): Promise<ReturnedLink<Row>> {
    return findReturnedLink(this.tokens, PURPOSE, token, findById, ERRORS);
  }
}
