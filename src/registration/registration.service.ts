import { Injectable, OnModuleInit } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import {
  Clock,
  EmailAddress,
  RequestSource,
  SecurityAct,
  SecurityEvents,
  Transactions,
  Translations,
} from '../common';
import { JobQueue } from '../jobs';
import { RepeatedConfirmations } from '../limits';
import { LinkInvalidError, LinkService, LinkUsedError, OpenedLink } from '../links';
import { UsersService } from '../users';
import { WrongRegistrationPasswordError } from './registration.errors';
import { OpenRegistration, RegistrationLink } from './registration.link';
import { registrationQueue } from './registration.queue';
import { Registration, RegistrationStore } from './registration-store';

export interface RegistrationRequest {
  email: EmailAddress;
  /** See `isUsername`. */
  username: string;
  password: string;
  /** Any language tag: the account gets the closest of `Translations.locales`, if there is one. */
  locale?: string | null;
}

/** What the page of a live link shows. */
export interface ShownRegistration {
  username: string;
  email: string;
  requestedAt: Date;
}

/**
 * Request an account, inspect the link of the mail, confirm the address. What happens between the request and the mail is
 * in `registration.worker.ts`.
 */
@Injectable()
export class RegistrationService implements OnModuleInit {
  constructor(
    private readonly registrations: RegistrationStore,
    private readonly link: RegistrationLink,
    private readonly links: LinkService,
    private readonly users: UsersService,
    private readonly repeats: RepeatedConfirmations,
    private readonly jobs: JobQueue,
    private readonly events: SecurityEvents,
    private readonly transactions: Transactions,
    private readonly translations: Translations,
    private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    this.users.onCredentialsChange(async (userId, _cause, user) => {
      // Links of registrations are for unverified accounts only, and none becomes that again.
      if (!user || user.unverifiedSince) await this.registrations.discardAllOf(userId);
    });
  }

  /**
   * Does the same work for every address: only the worker finds out whether it has an account.
   * @throws PasswordRejectedError, OverloadedError
   */
  async request(registration: RegistrationRequest, source: RequestSource): Promise<void> {
    const { email, username, password, locale } = registration;
    const passwordHash = await this.users.prepareFirstPassword(password, { email, username });
    const id = randomUUID();
    await this.transactions.run(async () => {
      await this.registrations.insert({
        id,
        email: email.address,
        emailKey: email.key,
        username,
        locale: this.translations.closest(locale) ?? null,
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
   * Inspects a link. Spends nothing: mail scanners open links, some with a full browser.
   * @throws LinkInvalidError, LinkExpiredError, LinkUsedError
   */
  inspect(token: string, source: RequestSource): Promise<ShownRegistration> {
    const act = 'registration_opened';
    return this.links.withLiveLink(this.link, token, { act, source }, async (registration) => {
      await this.record(act, registration, source);
      return toShown(registration);
    });
  }

  /** As {@link inspect}, for a page that is shown once more: its opening has been recorded. */
  async inspectAgain(token: string): Promise<ShownRegistration> {
    return toShown(await this.links.openLive(this.link, token));
  }

  /**
   * Confirms the address: the account gets the address as typed, name, language and password of this attempt; every other
   * attempt is discarded, no matter who made it. The same once more, as by a second click, is answered as done.
   * @param password the one of this attempt. Otherwise the owner of an address would open an account to the stranger who
   *   has registered it (Sudhodanan and Paverd, "Pre-hijacked accounts", 2022).
   * @throws as {@link inspect}; WrongRegistrationPasswordError, OverloadedError, after which the link is still good
   */
  confirm(token: string, password: string, source: RequestSource): Promise<void> {
    const attempt = { act: 'registration_verified', source } as const;
    return this.links.withLink(this.link, token, attempt, async (link) => {
      try {
        const registration = await this.link.assertLive(link);
        if (!(await this.users.verifyPasswordHash(password, registration.passwordHash)))
          throw new WrongRegistrationPasswordError();
        await this.transactions.run(() => this.verify(registration, source));
      } catch (error) {
        const userId = await this.confirmedBefore(link, password, error);
        if (userId === undefined) throw error;
        await this.record(attempt.act, { ...link.row, userId }, source, { repeated: true });
      }
    });
  }

  /**
   * @returns whose address the link has confirmed before, if it was refused for that and this is still the password
   * @throws OverloadedError, LimiterUnavailableError
   */
  private async confirmedBefore(
    { row: { id }, expired }: OpenedLink<Registration>,
    password: string,
    error: unknown,
  ): Promise<string | undefined> {
    const registration = error instanceof LinkUsedError ? await this.registrations.findById(id) : undefined;
    if (expired || !registration?.usedAt || !registration.userId) return undefined;
    const user = await this.users.findById(registration.userId);
    if (!user || user.disabledAt || user.unverifiedSince || !(await this.repeats.allow(id))) return undefined;
    return (await this.users.hasPassword(user.id, password)) ? user.id : undefined;
  }

  private async verify(registration: OpenRegistration, source: RequestSource): Promise<void> {
    const { id, userId, email, username, locale, passwordHash } = registration;
    const user = await this.users.lock(userId);
    if (!user || user.disabledAt) throw new LinkInvalidError();
    if (!user.unverifiedSince || !(await this.registrations.spend(id, this.clock.now())))
      throw new LinkUsedError();
    // That of this very link's attempt: a stranger who has tried the address before must not keep a way in.
    await this.users.changePassword(userId, passwordHash, 'registration');
    await this.users.markEmailVerified(userId, { email, username, locale });
    await this.record('registration_verified', registration, source);
  }

  private record(
    act: SecurityAct,
    registration: Registration,
    source: RequestSource,
    details: Record<string, boolean> = {},
  ): Promise<void> {
    const about = this.link.describe(registration);
    return this.events.record({
      ...about,
      act,
      outcome: 'success',
      source,
      details: { ...about.details, ...details },
    });
  }
}

function toShown({ email, username, createdAt: requestedAt }: Registration): ShownRegistration {
  return { username, email, requestedAt };
}
