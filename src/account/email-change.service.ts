import { Injectable, OnModuleInit } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { AuthService } from '../auth';
import {
  Clock,
  EmailAddress,
  LinkInvalidError,
  LinkUsedError,
  parseEmailAddress,
  recordingFailure,
  RequestSource,
  secondsAfter,
  SecurityAct,
  SecurityEvent,
  SecurityEvents,
  Transactions,
  UnauthenticatedError,
} from '../common';
import { Housekeeping, JobQueue } from '../jobs';
import { MailQueue } from '../mail';
import { EmailTakenError, User, UsersService } from '../users';
import { emailChangedMail, emailChangeStartedMail } from './account.mails';
import { AccountOptions } from './account.options';
import { CANCEL_PURPOSE, CONFIRM_PURPOSE, EmailChangeLinks } from './email-change-links';
import { EmailChange, EmailChangeStore } from './email-change-store';
import { emailChangeQueue } from './email-change.worker';
import { OwnAddressError } from './own-address.error';

const SECONDS_AN_HOUR = 3600;
const SECONDS_KEPT = 30 * 24 * SECONDS_AN_HOUR;

/** Change of address: asked for by the owner, pending until the new address confirms, stoppable from the old one. */
@Injectable()
export class EmailChangeService implements OnModuleInit {
  constructor(
    private readonly auth: AuthService,
    private readonly users: UsersService,
    private readonly changes: EmailChangeStore,
    private readonly links: EmailChangeLinks,
    private readonly jobs: JobQueue,
    private readonly mails: MailQueue,
    private readonly events: SecurityEvents,
    private readonly transactions: Transactions,
    private readonly housekeeping: Housekeeping,
    private readonly clock: Clock,
    private readonly options: AccountOptions,
  ) {}

  onModuleInit(): void {
    this.users.onCredentialsChange((userId) => this.changes.cancelAllOf(userId, this.clock.now()));
    this.housekeeping.register('changes of address', () =>
      this.changes.deleteBefore(secondsAfter(this.clock.now(), -SECONDS_KEPT)),
    );
  }

  /**
   * Ask. An address that is taken looks like success; so does a change beyond the hourly limit, which is passed over.
   * @throws WrongPasswordError, OverloadedError, OwnAddressError; UnauthenticatedError when the session has ended meanwhile
   */
  async request(
    user: User,
    { email, currentPassword }: { email: EmailAddress; currentPassword: string },
    source: RequestSource,
  ): Promise<void> {
    await this.auth.reauthenticate(user, currentPassword, source);
    if (parseEmailAddress(user.email)?.key === email.key) throw new OwnAddressError();
    await this.transactions.run(() => this.begin(user, email, source));
  }

  /** Look at the link that the new address got. Spends nothing. @throws LinkInvalidError, LinkExpiredError, LinkUsedError */
  look(token: string, source: RequestSource): Promise<{ email: string }> {
    return this.open(CONFIRM_PURPOSE, token, source);
  }

  /** Confirm, from the new address. Ends every session and link. @throws as {@link look} */
  confirm(token: string, source: RequestSource): Promise<void> {
    return this.follow(
      { purpose: CONFIRM_PURPOSE, token },
      { act: 'email_change_confirmed', source },
      ({ id }) =>
        this.transactions.run(() => this.complete(id, source)).catch((error) => this.giveUp(id, error)),
    );
  }

  /** Look at the link that the old address got. Spends nothing. @throws as {@link look} */
  lookCancel(token: string, source: RequestSource): Promise<{ email: string }> {
    return this.open(CANCEL_PURPOSE, token, source);
  }

  /** Stop a pending change, from the old address; also ends every session and link. @throws as {@link look} */
  cancel(token: string, source: RequestSource): Promise<void> {
    return this.follow(
      { purpose: CANCEL_PURPOSE, token },
      { act: 'email_change_cancelled', source },
      ({ id }) => this.transactions.run(() => this.stop(id, source)),
    );
  }

  /** The same work whether or not the address is taken: only the worker finds that out. */
  private async begin({ id, credentialsVersion }: User, email: EmailAddress, source: RequestSource) {
    const user = await this.users.lock(id);
    if (!user || user.disabledAt || user.credentialsVersion !== credentialsVersion)
      throw new UnauthenticatedError();
    const change = pendingChange(user, email, this.clock.now());
    if (await this.asksTooOften(change))
      return this.tell('email_change_requested', change, source, { reason: 'hourly_cap' });
    await this.changes.cancelAllOf(user.id, change.createdAt);
    await this.changes.insert(change);
    await this.mails.enqueue(emailChangeStartedMail(user, change, source, this.options));
    await this.jobs.enqueue(emailChangeQueue, { changeId: change.id });
    await this.tell('email_change_requested', change, source);
  }

  private async complete(changeId: string, source: RequestSource): Promise<void> {
    const { user, change } = await this.lock(changeId);
    const now = this.clock.now();
    // Before the address changes, which ends whatever is still pending.
    if (!(await this.changes.confirm(changeId, now))) throw new LinkUsedError();
    await this.users.changeEmail(user.id, { address: change.email, key: change.emailKey });
    for (const to of [user.email, change.email])
      await this.mails.enqueue(emailChangedMail(user, to, change, now, source));
    await this.tell('email_change_confirmed', change, source);
  }

  /** Somebody else has got the address since the link was mailed: then the link is void. */
  private async giveUp(changeId: string, error: unknown): Promise<never> {
    if (!(error instanceof EmailTakenError)) throw error;
    await this.changes.cancel(changeId, this.clock.now());
    throw new LinkUsedError();
  }

  private async stop(changeId: string, source: RequestSource): Promise<void> {
    const { user, change } = await this.lock(changeId);
    if (!(await this.changes.cancel(changeId, this.clock.now()))) throw new LinkUsedError();
    // Whoever asked is signed in.
    await this.users.revokeAccess(user.id);
    await this.tell('email_change_cancelled', change, source);
  }

  private async lock(changeId: string): Promise<{ user: User; change: EmailChange }> {
    const change = await this.changes.findById(changeId);
    const user = change && (await this.users.lock(change.userId));
    if (!user || user.disabledAt) throw new LinkInvalidError();
    return { user, change };
  }

  private async asksTooOften({ userId, createdAt }: EmailChange): Promise<boolean> {
    const { changesPerHour } = this.options;
    if (changesPerHour === 0) return false;
    return (await this.changes.countOf(userId, secondsAfter(createdAt, -SECONDS_AN_HOUR))) >= changesPerHour;
  }

  private open(purpose: string, token: string, source: RequestSource): Promise<{ email: string }> {
    const event = { act: 'email_change_opened', source, details: { link: purpose } } as const;
    return this.follow({ purpose, token }, event, async (change) => {
      await this.tell(event.act, change, source, event.details);
      return { email: change.email };
    });
  }

  /** Does something with a link that is live. What refuses it is told of, whosever link it is. */
  private async follow<T>(
    { purpose, token }: { purpose: string; token: string },
    event: Pick<SecurityEvent, 'act' | 'source' | 'details'>,
    work: (change: EmailChange) => Promise<T>,
  ): Promise<T> {
    const link = await this.links.find(purpose, token);
    return recordingFailure(this.events, { ...event, ...about(link.row, event.details) }, async () => {
      await this.links.demandLive(link);
      return work(link.row);
    });
  }

  /** Tells of a success, or with a `reason` of a failure. */
  private tell(
    act: SecurityAct,
    change: EmailChange,
    source: RequestSource,
    details: { link?: string; reason?: string } = {},
  ): Promise<void> {
    const outcome = details.reason ? 'failure' : 'success';
    return this.events.record({ act, outcome, source, ...about(change, details) });
  }
}

function about({ id, userId, email }: EmailChange, details: SecurityEvent['details']) {
  return { userId, email, details: { changeId: id, ...details } };
}

function pendingChange({ id: userId }: User, { address, key }: EmailAddress, createdAt: Date): EmailChange {
  return {
    id: randomUUID(),
    userId,
    email: address,
    emailKey: key,
    createdAt,
    mailedAt: null,
    confirmedAt: null,
    cancelledAt: null,
  };
}
