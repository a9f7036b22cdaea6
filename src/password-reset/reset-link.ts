import { Injectable } from '@nestjs/common';
import { SignedTokens, TokenExpiredError } from '../common';
import { ResetTokenExpiredError, ResetTokenInvalidError } from './password-reset.errors';
import { PasswordResetOptions } from './password-reset.options';

const PURPOSE = 'password-reset';

/** Makes the link of a mail, and reads its token when it comes back. */
@Injectable()
export class ResetLink {
  constructor(
    private readonly tokens: SignedTokens,
    private readonly options: PasswordResetOptions,
  ) {}

  make(resetId: string, expiresAt: Date): string {
    const token = this.tokens.sign(PURPOSE, resetId, expiresAt);
    return this.options.resetUrl.replaceAll('{token}', token);
  }

  /**
   * @returns the id of the reset that a token names
   * @throws ResetTokenInvalidError, ResetTokenExpiredError
   */
  read(token: string): string {
    try {
      return this.tokens.verify(PURPOSE, token).id;
    } catch (error) {
      throw error instanceof TokenExpiredError ? new ResetTokenExpiredError() : new ResetTokenInvalidError();
    }
  }
}
