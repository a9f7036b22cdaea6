import { Injectable, Logger, OnApplicationBootstrap, OnModuleDestroy, OnModuleInit } from '@nestjs/common';
import { Clock, describeError, RequestSource, secondsAfter, Transactions } from '../common';
import { LinkUsedError } from '../links';
import { Housekeeping, JobsOptions } from '../jobs';
import { MailService } from '../mail';
import { EmailTakenError, User, UsersService } from '../users';
import { emailChangedMail, emailChangeHeldMail } from './account.mails';
import { AccountOptions } from './account.options';
import { CancelEmailLink } from './cancel-email.link';
import { EmailChangeEvents } from './email-change-events';
import { isMoved, isPending } from './email-change-state';
import { EmailChange, EmailChangeStore } from './email-change-store';
import { RecoveryStore } from './recovery-store';

const LOOK_EVERY_MS = 60_000;
const MOVES_AT_ONCE = 100;

/**
 * Moves an account to the address that has confirmed: at once, or, if its password was reset a short time ago, when its
 * owner has had the time to stop it. What waits is in the rows alone, so no crash and no lost job loses it.
 */
@Injectable()
export class EmailChangeMoves implements OnModuleInit, OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('EmailChange');
  private timer?: NodeJS.Timeout;
  private underWay: Promise<void> = Promise.resolve();

  constructor(
    private readonly users: UsersService,
    private readonly changes: EmailChangeStore,
    private readonly recoveries: RecoveryStore,
    private readonly cancelLink: CancelEmailLink,
    private readonly mails: MailService,
    private readonly events: EmailChangeEvents,
    private readonly transactions: Transactions,
    private readonly housekeeping: Housekeeping,
    private readonly clock: Clock,
    private readonly options: AccountOptions,
    private readonly jobs: JobsOptions,
  ) {}

  onModuleInit(): void {
    this.users.onCredentialsChange(async (userId, cause) => {
      if (cause === 'reset') await this.recoveries.note(userId, this.clock.now());
    });
    this.housekeeping.register('recoveries', () =>
      this.recoveries.deleteExpired(secondsAfter(this.clock.now(), -this.options.holdSeconds)),
    );
  }

  onApplicationBootstrap(): void {
    if (!this.jobs.work) return;
    this.timer = setInterval(() => {
      this.underWay = this.underWay.then(() => this.moveDue());
    }, LOOK_EVERY_MS).unref();
  }

  async onModuleDestroy(): Promise<void> {
    clearInterval(this.timer);
    await this.underWay;
  }

  /**
   * Confirms a pending change, in a transaction that has locked its user.
   * @returns when the address moves; `undefined` where it has
   * @throws EmailTakenError, LinkUsedError
   */
  async confirm(change: EmailChange, user: User, source: RequestSource): Promise<Date | undefined> {
    const effectiveAt = await this.endOfHold(user.id);
    if (!effectiveAt) {
      await this.move(change, user, source);
      return undefined;
    }
    if (!(await this.changes.hold(change.id, effectiveAt))) throw new LinkUsedError();
    await this.mails.enqueue(
      emailChangeHeldMail(user, change, { at: this.clock.now(), effectiveAt, source }, this.cancelLink),
    );
    await this.events.record('email_change_held', change, source, { effectiveAt: effectiveAt.toISOString() });
    return effectiveAt;
  }

  /** Moves the accounts whose time has come; one that fails is tried again a minute later and keeps no other from it. */
  async moveDue(): Promise<void> {
    try {
      for (const id of await this.changes.findDue(this.clock.now(), MOVES_AT_ONCE)) await this.moveOne(id);
    } catch (error) {
      this.logger.warn(`cannot look for changes of address that are due: ${describeError(error)}`);
    }
  }

  private async moveOne(id: string): Promise<void> {
    try {
      await this.transactions.run(() => this.moveIfDue(id));
    } catch (error) {
      if (error instanceof EmailTakenError)
        await this.transactions.run(() => this.cancel(id, 'address_taken'));
      else this.logger.warn(`change of address ${id} cannot take effect yet: ${describeError(error)}`);
    }
  }

  private async moveIfDue(id: string): Promise<void> {
    const seen = await this.changes.findById(id);
    const user = seen && (await this.users.lock(seen.userId));
    // Read under the lock: whatever stopped it at the same moment has been committed.
    const change = await this.changes.findById(id);
    if (!change?.effectiveAt || !isPending(change)) return;
    if (!user || user.disabledAt) return this.cancel(id, 'account_disabled');
    if (isMoved(change, user)) return this.cancel(id, 'address_moved');
    await this.move(change, user);
  }

  /** @param source unknown of a change that has waited */
  private async move(change: EmailChange, user: User, source?: RequestSource): Promise<void> {
    const now = this.clock.now();
    // Before the address changes, which ends whatever is still pending.
    if (!(await this.changes.confirm(change.id, now))) throw new LinkUsedError();
    await this.users.changeEmail(user.id, { address: change.email, key: change.emailKey });
    for (const to of [user.email, change.email])
      await this.mails.enqueue(emailChangedMail(user, to, change, now, source, this.options));
    await this.events.record('email_change_confirmed', change, source);
  }

  private async cancel(id: string, reason: string): Promise<void> {
    const change = await this.changes.findById(id);
    if (change && (await this.changes.cancel(id, this.clock.now())))
      await this.events.record('email_change_confirmed', change, undefined, { reason });
  }

  /** @returns until when a change of an account has to wait, if so */
  private async endOfHold(userId: string): Promise<Date | undefined> {
    const recoveredAt = await this.recoveries.lastOf(userId);
    const end = recoveredAt && secondsAfter(recoveredAt, this.options.holdSeconds);
    return end && end > this.clock.now() ? end : undefined;
  }
}
