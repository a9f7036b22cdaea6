import { Injectable } from '@nestjs/common';
import {
  LinkExpiredError,
  LinkInvalidError,
  LinkKind,
  LinkService,
  LinkUsedError,
  OpenedLink,
} from '../links';
import { UsersService } from '../users';
import { RegistrationOptions } from './registration.options';
import { Registration, RegistrationStore } from './registration-store';

/** An attempt whose link is live. */
export type OpenRegistration = Registration & { userId: string; passwordHash: string };

/** The link that, with the password of its attempt, confirms the address of a new account. */
@Injectable()
export class RegistrationLink extends LinkKind<Registration, OpenRegistration> {
  readonly purpose = 'registration';
  readonly url: string;
  readonly ttlSeconds: number;

  constructor(
    links: LinkService,
    private readonly registrations: RegistrationStore,
    private readonly users: UsersService,
    { verifyUrl, tokenTtlSeconds }: RegistrationOptions,
  ) {
    super();
    this.url = verifyUrl;
    this.ttlSeconds = tokenTtlSeconds;
    links.register(this);
  }

  findRow(id: string): Promise<Registration | undefined> {
    return this.registrations.findById(id);
  }

  /** @throws LinkExpiredError, LinkInvalidError, LinkUsedError */
  async assertLive({ row, expired }: OpenedLink<Registration>): Promise<OpenRegistration> {
    if (expired) throw new LinkExpiredError();
    const { userId, passwordHash, usedAt } = row;
    if (!userId) throw new LinkInvalidError();
    if (usedAt || passwordHash === null) throw new LinkUsedError();
    const user = await this.users.findEnabled(userId);
    if (!user) throw new LinkInvalidError();
    if (!user.unverifiedSince) throw new LinkUsedError();
    return { ...row, userId, passwordHash };
  }

  override async isWorthMailing({ userId, passwordHash }: Registration): Promise<boolean> {
    const user = userId && passwordHash ? await this.users.findEnabled(userId) : undefined;
    return !!user?.unverifiedSince;
  }

  describe({ id, userId }: Registration) {
    return { userId: userId ?? undefined, details: { registrationId: id } };
  }
}
