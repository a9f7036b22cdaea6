import { Injectable } from '@nestjs/common';
import { findReturnedLink, ReturnedLink, secondsAfter, SignedTokens } from '../common';
import type { MailLink } from '../mail';
import { PasswordResetOptions } from './password-reset.options';

const PURPOSE = 'password-reset-disavowal';

/** The link "this was not me". It names a reset, as the reset's own link does, and is good for nothing else. */
@Injectable()
export class DisavowLink {
  constructor(
    private readonly tokens: SignedTokens,
    private readonly options: PasswordResetOptions,
  ) {}

  /**
   * For a mail that is sent now.
   * @param beginning see {@link linksBegin}
   * @returns `undefined` where the options name no page for it
   */
  make(resetId: string, beginning: Date): string | undefined {
    const { disavowUrl, disavowTtlSeconds } = this.options;
    const expiresAt = secondsAfter(beginning, disavowTtlSeconds);
    return disavowUrl?.replaceAll('{token}', this.tokens.sign(PURPOSE, resetId, expiresAt, beginning));
  }

  /** For a mail that rests in the queue first. @returns as {@link make} */
  queued(resetId: string): MailLink | undefined {
    const { disavowUrl: url, disavowTtlSeconds: ttlSeconds } = this.options;
    return url === undefined ? undefined : { url, purpose: PURPOSE, id: resetId, ttlSeconds };
  }

  /** @throws LinkInvalidError, LinkExpiredError: see {@link findReturnedLink} */
  find<Row>(
    token: string,
    findById: (resetId: string) => Promise<Row | undefined>,
  ): Promise<ReturnedLink<Row>> {
    return findReturnedLink(this.tokens, PURPOSE, token, findById);
  }
}
