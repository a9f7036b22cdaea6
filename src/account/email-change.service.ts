import { Injectable, OnModuleInit } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { AuthService, WrongPasswordError } from '../auth';
import {
  Clock,
  EmailAddress,
  parseEmailAddress,
  RequestSource,
  secondsAfter,
  Transactions,
  UnauthenticatedError,
} from '../common';
import { Authenticated } from '../http';
import { Housekeeping, JobQueue } from '../jobs';
import { addressDigest, LinkInvalidError, LinkKind, LinkService, LinkUsedError } from '../links';
import { MailService } from '../mail';
import { EmailTakenError, User, UsersService } from '../users';
import { OwnAddressError, PasswordRequiredError } from './account.errors';
import { emailChangeStartedMail, shownAddress } from './account.mails';
import { AccountOptions } from './account.options';
import { CancelEmailLink } from './cancel-email.link';
import { ConfirmEmailLink } from './confirm-email.link';
import { EmailChangeEvents } from './email-change-events';
import { EmailChangeMoves } from './email-change-moves';
import { assertNotMoved, isConfirmed, isPending } from './email-change-state';
import { EmailChange, EmailChangeStore } from './email-change-store';
import { emailChangeQueue } from './email-change.queue';

const SECONDS_PER_HOUR = 3600;
const SECONDS_KEPT = 30 * 24 * SECONDS_PER_HOUR;

/** What the page of the link to the new address shows. */
export interface ShownEmailChange {
  userId: string;
  /** The new address, its domain as A-labels. */
  email: string;
  /** `confirmed` as long as it waits to take effect, `done` when the account has the address. */
  state: 'pending' | 'confirmed' | 'done';
  /** When it takes effect, where it waits. */
  effectiveAt: Date | undefined;
}

/** What proves, beside the link, that it is the owner of the account who confirms: one of the two. */
export interface OwnerProof {
  /** Who is signed in, to this account or to another, which proves nothing. */
  user?: User;
  /** The password of the account. */
  password?: string;
}

/** Change of address: requested by the owner, pending until the new address confirms, stoppable from the old one. */
@Injectable()
export class EmailChangeService implements OnModuleInit {
  constructor(
    private readonly auth: AuthService,
    private readonly users: UsersService,
    private readonly changes: EmailChangeStore,
    private readonly confirmLink: ConfirmEmailLink,
    private readonly cancelLink: CancelEmailLink,
    private readonly links: LinkService,
    private readonly moves: EmailChangeMoves,
    private readonly changeEvents: EmailChangeEvents,
    private readonly jobs: JobQueue,
    private readonly mails: MailService,
    private readonly transactions: Transactions,
    private readonly housekeeping: Housekeeping,
    private readonly clock: Clock,
    private readonly options: AccountOptions,
  ) {}

  onModuleInit(): void {
    this.users.onCredentialsChange(async (userId) => {
      await this.changes.cancelAllOf(userId, this.clock.now());
    });
    this.users.onDisable((userId) => this.changes.deleteAllOf(userId));
    this.housekeeping.register('changes of address', () =>
      this.changes.deleteExpired(secondsAfter(this.clock.now(), -SECONDS_KEPT)),
    );
  }

  /**
   * Requests a change. An address that is taken looks like success; so does a change too soon after many others, which is
   * ignored.
   * @throws WrongPasswordError, OverloadedError, OwnAddressError; UnauthenticatedError when the session has ended meanwhile
   */
  async request(
    { user, sessionId }: Authenticated<User>,
    { email, currentPassword }: { email: EmailAddress; currentPassword: string },
    source: RequestSource,
  ): Promise<void> {
    await this.auth.reauthenticate(user, currentPassword, source, sessionId);
    if (parseEmailAddress(user.email)?.key === email.key) throw new OwnAddressError();
    await this.transactions.run(() => this.begin(user, email, source));
  }

  /** Inspects the link to the new address. Spends nothing. @throws LinkInvalidError, LinkExpiredError, LinkUsedError */
  inspect(token: string, source: RequestSource): Promise<ShownEmailChange> {
    return this.open(this.confirmLink, token, source);
  }

  /** As {@link inspect}, for a page that is shown once more: its opening has been recorded. Live or not. */
  async inspectAgain(token: string): Promise<ShownEmailChange> {
    return toShown((await this.links.open(this.confirmLink, token)).row);
  }

  /**
   * Confirms, from the new address and by the owner of the account: the link alone must not bind the account of the person
   * who typed an address to the person who reads its mail. Ends every session and link, unless the change has to wait. What
   * is confirmed already is answered as done.
   * @returns when the change takes effect; `undefined` where it has
   * @throws as {@link inspect}; WrongPasswordError, PasswordRequiredError, RateLimitedError, OverloadedError or
   *   LimiterUnavailableError, after which the link is still good
   */
  confirm(token: string, proof: OwnerProof, source: RequestSource): Promise<Date | undefined> {
    const attempt = { act: 'email_change_confirmed', source } as const;
    return this.links.withLiveLink(this.confirmLink, token, attempt, async (change) => {
      if (change.confirmedAt || change.effectiveAt) return pendingEnd(change);
      await this.proveOwner(change, proof, source);
      return this.transactions
        .run(() => this.complete(change.id, source))
        .catch((error) => this.giveUp(change.id, error));
    });
  }

  /**
   * Inspects the link to the old address. Spends nothing.
   * @throws LinkInvalidError, LinkExpiredError; AddressMovedError where the account has another address now
   */
  inspectCancellation(token: string, source: RequestSource): Promise<{ email: string }> {
    return this.open(this.cancelLink, token, source);
  }

  /**
   * Stops, from the old address, every pending change of address, and ends every session and link: the address that was
   * warned wins, by whichever of the mails. A link that is used again, with nothing to stop, does nothing.
   * @throws as {@link inspectCancellation}
   */
  cancel(token: string, source: RequestSource): Promise<void> {
    const attempt = { act: 'email_change_cancelled', source } as const;
    return this.links.withLiveLink(this.cancelLink, token, attempt, ({ id }) =>
      this.transactions.run(() => this.stop(id, source)),
    );
  }

  /** The same work whether or not the address is taken: only the worker finds that out. */
  private async begin({ id, credentialsVersion }: User, email: EmailAddress, source: RequestSource) {
    const user = await this.users.lock(id);
    if (!user || user.disabledAt || user.credentialsVersion !== credentialsVersion)
      throw new UnauthenticatedError();
    const change = pendingChange(user, email, this.clock.now());
    if (await this.isTooOften(change))
      return this.changeEvents.record('email_change_requested', change, source, { reason: 'too_soon' });
    await this.changes.cancelAllOf(user.id, change.createdAt);
    await this.changes.insert(change);
    await this.mails.enqueue(emailChangeStartedMail(user, change, source, this.cancelLink));
    await this.jobs.enqueue(emailChangeQueue, { changeId: change.id });
    await this.changeEvents.record('email_change_requested', change, source);
  }

  private async proveOwner(
    { id, userId }: EmailChange,
    { user, password }: OwnerProof,
    source: RequestSource,
  ): Promise<void> {
    if (user?.id === userId) return;
    if (typeof password !== 'string') throw new PasswordRequiredError();
    const owner = await this.users.findById(userId);
    if (!owner) throw new LinkInvalidError();
    try {
      await this.auth.reauthenticate(owner, password, source, id);
    } catch (error) {
      throw error instanceof WrongPasswordError ? new WrongPasswordError('password') : error;
    }
  }

  private async complete(changeId: string, source: RequestSource): Promise<Date | undefined> {
    const { user, change } = await this.lock(changeId);
    // At the same moment, by the same link.
    if (isConfirmed(change, user)) return pendingEnd(change);
    if (!isPending(change)) throw new LinkUsedError();
    return this.moves.confirm(change, user, source);
  }

  /** Somebody else has got the address since the link was mailed: then the link does nothing. */
  private async giveUp(changeId: string, error: unknown): Promise<never> {
    if (!(error instanceof EmailTakenError)) throw error;
    await this.changes.cancel(changeId, this.clock.now());
    throw new LinkUsedError();
  }

  private async stop(changeId: string, source: RequestSource): Promise<void> {
    const { user, change } = await this.lock(changeId);
    assertNotMoved(change, user);
    const now = this.clock.now();
    const first = await this.changes.stop(changeId, now);
    const stopped = await this.changes.cancelAllOf(user.id, now);
    // The person who requested the change is signed in. But once each link: an old one must not end sessions for a week.
    const acts = first || stopped > 0;
    if (acts) await this.users.revokeAccess(user.id);
    await this.changeEvents.record('email_change_cancelled', change, source, { stopped, repeated: !acts });
  }

  /** The change as it is once its user is locked. */
  private async lock(changeId: string): Promise<{ user: User; change: EmailChange }> {
    const seen = await this.changes.findById(changeId);
    const user = seen && (await this.users.lock(seen.userId));
    const change = await this.changes.findById(changeId);
    if (!change || !user || user.disabledAt) throw new LinkInvalidError();
    return { user, change };
  }

  private async isTooOften({ userId, createdAt }: EmailChange): Promise<boolean> {
    const { changesPerHour, changeSpacingSeconds } = this.options;
    const requestedWithin = (seconds: number) =>
      this.changes.countOf(userId, secondsAfter(createdAt, -seconds));
    const spaced = changesPerHour > 0 && (await requestedWithin(SECONDS_PER_HOUR)) >= changesPerHour;
    return spaced && (await requestedWithin(changeSpacingSeconds)) > 0;
  }

  private open(
    kind: LinkKind<EmailChange, EmailChange>,
    token: string,
    source: RequestSource,
  ): Promise<ShownEmailChange> {
    const attempt = { act: 'email_change_opened', source, details: { link: kind.purpose } } as const;
    return this.links.withLiveLink(kind, token, attempt, async (change) => {
      await this.changeEvents.record(attempt.act, change, source, attempt.details);
      return toShown(change);
    });
  }
}

function toShown(change: EmailChange): ShownEmailChange {
  const effectiveAt = pendingEnd(change);
  const state = change.confirmedAt ? 'done' : effectiveAt ? 'confirmed' : 'pending';
  return { userId: change.userId, email: shownAddress(change), state, effectiveAt };
}

/** @returns when a change that is confirmed takes effect; `undefined` where it has */
function pendingEnd({ confirmedAt, effectiveAt }: EmailChange): Date | undefined {
  return confirmedAt ? undefined : (effectiveAt ?? undefined);
}

function pendingChange(
  { id: userId, email }: User,
  { address, key }: EmailAddress,
  createdAt: Date,
): EmailChange {
  return {
    id: randomUUID(),
    userId,
    email: address,
    emailKey: key,
    fromDigest: addressDigest(email),
    previousEmail: email,
    createdAt,
    mailedAt: null,
    effectiveAt: null,
    confirmedAt: null,
    cancelledAt: null,
    stoppedAt: null,
    undoneAt: null,
  };
}
