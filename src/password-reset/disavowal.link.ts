import { Injectable } from '@nestjs/common';
import {
  AddressMovedError,
  hasAddressMoved,
  LinkExpiredError,
  LinkInvalidError,
  LinkKind,
  LinkService,
  OpenedLink,
} from '../links';
import { User, UsersService, WithUser } from '../users';
import { PasswordResetOptions } from './password-reset.options';
import { PasswordReset, PasswordResetStore } from './password-reset-store';

/** The link "this was not me". It names a reset, as the reset's own link does, and is good for nothing else. */
@Injectable()
export class DisavowalLink extends LinkKind<WithUser<PasswordReset>, PasswordReset> {
  readonly purpose = 'password-reset-disavowal';
  readonly url: string | undefined;
  readonly ttlSeconds: number;

  constructor(
    links: LinkService,
    private readonly resets: PasswordResetStore,
    private readonly users: UsersService,
    { disavowUrl, disavowTtlSeconds }: PasswordResetOptions,
  ) {
    super();
    this.url = disavowUrl;
    this.ttlSeconds = disavowTtlSeconds;
    links.register(this);
  }

  findRow(id: string): Promise<WithUser<PasswordReset> | undefined> {
    return this.resets.findWithUser(id, this.users);
  }

  /** @throws LinkExpiredError, LinkInvalidError, AddressMovedError */
  async assertLive({ row: reset, expired }: OpenedLink<WithUser<PasswordReset>>): Promise<PasswordReset> {
    if (expired) throw new LinkExpiredError();
    this.assertReach(reset, reset.user);
    return Promise.resolve(reset);
  }

  /**
   * The account exists, is enabled, and still has the address that the reset was mailed to: otherwise the holder of an old
   * mailbox could end the sessions and the password of an account that has moved on.
   */
  assertReach({ emailDigest }: PasswordReset, user: User | undefined): void {
    if (!user || user.disabledAt) throw new LinkInvalidError();
    if (hasAddressMoved(emailDigest, user)) throw new AddressMovedError();
  }

  override isWorthMailing({ user, disavowedAt }: WithUser<PasswordReset>): Promise<boolean> {
    return Promise.resolve(!disavowedAt && !!user && !user.disabledAt);
  }

  describe({ id, userId }: WithUser<PasswordReset>) {
    return { userId, details: { resetId: id } };
  }
}
