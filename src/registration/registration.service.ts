import { Injectable, OnModuleInit } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import {
  Clock,
  EmailAddress,
  findReturnedLink,
  LinkExpiredError,
  LinkInvalidError,
  LinkUsedError,
  recordingFailure,
  RequestSource,
  ReturnedLink,
  SecurityAct,
  SecurityEvents,
  SignedTokens,
  Transactions,
} from '../common';
import { JobQueue } from '../jobs';
import { UsersService } from '../users';
import { REGISTRATION_PURPOSE } from './registration.mails';
import { Registration, RegistrationStore } from './registration-store';
import { registrationQueue } from './registration.worker';
import { WrongRegistrationPasswordError } from './wrong-registration-password.error';

export interface RegistrationRequest {
  email: EmailAddress;
  /** See `isUsername`. */
  username: string;
  password: string;
  /** One of `Translations.locales`. */
  locale?: string | null;
}

/** What the page of a live link shows. */
export interface ShownRegistration {
  username: string;
  email: string;
  requestedAt: Date;
}

/** An attempt whose link is still good. */
type OpenRegistration = Registration & { userId: string; passwordHash: string };

/**
 * Ask for an account, look at the link of the mail, confirm the address. What happens between asking and the mail is in
 * `registration.worker.ts`.
 */
@Injectable()
export class RegistrationService implements OnModuleInit {
  constructor(
    private readonly registrations: RegistrationStore,
    private readonly users: UsersService,
    private readonly jobs: JobQueue,
    private readonly tokens: SignedTokens,
    private readonly events: SecurityEvents,
    private readonly transactions: Transactions,
    private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    this.users.onCredentialsChange((userId) => this.registrations.discardAllOf(userId));
  }

  /**
   * Ask. The same work for every address: whether it has an account, only the worker finds out.
   * @throws PasswordRejectedError, OverloadedError
   */
  async request(registration: RegistrationRequest, source: RequestSource): Promise<void> {
    const { email, username, password, locale = null } = registration;
    const passwordHash = await this.users.prepareFirstPassword(password, { email, username });
    const id = randomUUID();
    await this.transactions.run(async () => {
      await this.registrations.insert({
        id,
        email: email.address,
        emailKey: email.key,
        username,
        locale,
        passwordHash,
        userId: null,
        createdAt: this.clock.now(),
        mailedAt: null,
        usedAt: null,
      });
      await this.jobs.enqueue(registrationQueue, { registrationId: id });
      await this.events.record({
        act: 'registration_requested',
        outcome: 'success',
        source,
        email: email.address,
        details: { registrationId: id },
      });
    });
  }

  /**
   * Look. Spends nothing, however often and by whomever: mail scanners open links, some with a full browser.
   * @throws LinkInvalidError, LinkExpiredError, LinkUsedError
   */
  look(token: string, source: RequestSource): Promise<ShownRegistration> {
    const act = 'registration_opened';
    return this.follow(act, token, source, async (registration) => {
      const { id: registrationId, userId } = registration;
      const opened = await this.describe(registration);
      await this.events.record({ act, outcome: 'success', userId, source, details: { registrationId } });
      return opened;
    });
  }

  /** As {@link look}, for a page that is shown once more: that it was opened has been told. */
  async lookAgain(token: string): Promise<ShownRegistration> {
    return this.describe(demandOpen(await this.find(token)));
  }

  /**
   * Confirm: the address is proven, and the account gets name, language and password of this attempt; every other one is
   * void, whoever made it.
   * @param password the one of this attempt. Otherwise the owner of an address would open an account to the stranger who
   *   has registered it (Sudhodanan and Paverd, "Pre-hijacked accounts", 2022).
   * @throws as {@link look}; WrongRegistrationPasswordError, OverloadedError, after which the link is as good as before
   */
  confirm(token: string, password: string, source: RequestSource): Promise<void> {
    return this.follow('registration_verified', token, source, async (registration) => {
      if (!(await this.users.matches(registration.passwordHash, password)))
        throw new WrongRegistrationPasswordError();
      await this.transactions.run(() => this.verify(registration, source));
    });
  }

  private async describe(registration: OpenRegistration): Promise<ShownRegistration> {
    const { userId, username, createdAt: requestedAt } = registration;
    const user = await this.users.findById(userId);
    if (!user || user.disabledAt) throw new LinkInvalidError();
    if (!user.unverifiedSince) throw new LinkUsedError();
    return { username, email: user.email, requestedAt };
  }

  private async verify(registration: OpenRegistration, source: RequestSource): Promise<void> {
    const { id, userId, username, locale, passwordHash } = registration;
    const user = await this.users.lock(userId);
    if (!user || user.disabledAt) throw new LinkInvalidError();
    if (!user.unverifiedSince || !(await this.registrations.spend(id, this.clock.now())))
      throw new LinkUsedError();
    // That of this very link's attempt: a stranger who has tried the address before must not keep a way in.
    await this.users.changePassword(userId, passwordHash);
    await this.users.verify(userId, { username, locale });
    const details = { registrationId: id };
    await this.events.record({ act: 'registration_verified', outcome: 'success', userId, source, details });
  }

  /** Does something with a link that is open. What refuses it is told of, whosever link it is. */
  private async follow<T>(
    act: SecurityAct,
    token: string,
    source: RequestSource,
    work: (registration: OpenRegistration) => Promise<T>,
  ): Promise<T> {
    const link = await this.find(token);
    const { id: registrationId, userId } = link.row;
    const event = { act, userId: userId ?? undefined, source, details: { registrationId } };
    return recordingFailure(this.events, event, async () => work(demandOpen(link)));
  }

  private find(token: string): Promise<ReturnedLink<Registration>> {
    return findReturnedLink(this.tokens, REGISTRATION_PURPOSE, token, (id) =>
      this.registrations.findById(id),
    );
  }
}

function demandOpen({ row, expired }: ReturnedLink<Registration>): OpenRegistration {
  if (expired) throw new LinkExpiredError();
  const { userId, passwordHash, usedAt } = row;
  if (!userId) throw new LinkInvalidError();
  if (usedAt || passwordHash === null) throw new LinkUsedError();
  return { ...row, userId, passwordHash };
}
