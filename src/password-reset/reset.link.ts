import { Injectable } from '@nestjs/common';
import { Clock } from '../common';
import { hasAddressMoved, LinkErrors, LinkKind, LinkService, OpenedLink } from '../links';
import { User, UsersService, WithUser } from '../users';
import { ResetTokenExpiredError, ResetTokenInvalidError, ResetTokenUsedError } from './password-reset.errors';
import { PasswordResetOptions } from './password-reset.options';
import { PasswordReset, PasswordResetStore } from './password-reset-store';

/** What there is to know of a link that is still good. */
export interface LiveReset {
  expiresAt: Date;
  user: User;
}

/** The link that sets a new password. */
@Injectable()
export class ResetLink extends LinkKind<WithUser<PasswordReset>, LiveReset> {
  readonly purpose = 'password-reset';
  readonly url: string;
  readonly ttlSeconds: number;
  override readonly errors: LinkErrors = {
    invalid: () => new ResetTokenInvalidError(),
    expired: () => new ResetTokenExpiredError(),
  };

  constructor(
    links: LinkService,
    private readonly resets: PasswordResetStore,
    private readonly users: UsersService,
    private readonly clock: Clock,
    { resetUrl, tokenTtlSeconds }: PasswordResetOptions,
  ) {
    super();
    this.url = resetUrl;
    this.ttlSeconds = tokenTtlSeconds;
    links.register(this);
  }

  findRow(id: string): Promise<WithUser<PasswordReset> | undefined> {
    return this.resets.findWithUser(id, this.users);
  }

  /** @throws ResetTokenExpiredError, ResetTokenUsedError, ResetTokenInvalidError */
  async assertLive({ row: reset, expired }: OpenedLink<WithUser<PasswordReset>>): Promise<LiveReset> {
    if (expired) throw new ResetTokenExpiredError();
    if (reset.usedAt || reset.revokedAt || reset.expiresAt <= this.clock.now()) throw this.whyDead(reset);
    const { user } = reset;
    if (!user || user.disabledAt) throw new ResetTokenInvalidError();
    if (!reset.undoneChangeId) {
      // Of a store that has forgotten that this link undoes a change of address.
      if (hasAddressMoved(reset.emailDigest, user)) throw new ResetTokenUsedError();
      return { expiresAt: reset.expiresAt, user };
    }
    const email = await this.users.formerAddress(reset.undoneChangeId);
    if (!email) throw new ResetTokenUsedError();
    return { expiresAt: reset.expiresAt, user: { ...user, email } };
  }

  /** The error for a link that is not live. */
  whyDead(reset: PasswordReset | undefined): Error {
    if (!reset) return new ResetTokenInvalidError();
    return reset.usedAt || reset.revokedAt ? new ResetTokenUsedError() : new ResetTokenExpiredError();
  }

  describe({ id, userId }: WithUser<PasswordReset>) {
    return { userId, details: { resetId: id } };
  }
}
