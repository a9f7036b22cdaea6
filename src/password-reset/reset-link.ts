import { Injectable } from '@nestjs/common';
import { ReadToken, secondsAfter, SignedTokens } from '../common';
import { LONGEST_HAND_OVER_SECONDS, passwordResetQueue } from './password-reset.queue';
import { ResetTokenInvalidError } from './password-reset.errors';
import { PasswordResetOptions } from './password-reset.options';

const PURPOSE = 'password-reset';

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

  /**
   * @returns what a token says; its id is that of the reset
   * @throws ResetTokenInvalidError for one that is none of ours
   */
  read(token: string): ReadToken {
    try {
      return this.tokens.read(PURPOSE, token);
    } catch {
      throw new ResetTokenInvalidError();
    }
  }
}
