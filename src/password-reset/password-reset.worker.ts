import { Injectable, Logger } from '@nestjs/common';
import { Clock, currentRequestId, secondsAfter, SecurityEvents, Transactions } from '../common';
import { Job, JobQueue } from '../jobs';
import { MailRefusedError, OutgoingMail, paceRefusal } from '../mail';
import { User, UsersService } from '../users';
import { DisavowLink } from './disavow-link';
import { PasswordResetHooks, SuppressionReason } from './password-reset.hooks';
import { RESET_PASSWORD, resetPasswordMail } from './password-reset.mails';
import { PasswordResetOptions } from './password-reset.options';
import { linksBegin, LONGEST_HAND_OVER_SECONDS, passwordResetQueue } from './password-reset.queue';
import { PasswordReset, PasswordResetStore } from './password-reset-store';
import { QuietPeriodStore } from './quiet-period-store';
import { ResetLink } from './reset-link';

/** Answers an ask with a mail, or with silence. The only place that finds out whether there is an account. */
@Injectable()
export class PasswordResetWorker {
  private readonly logger = new Logger('PasswordReset');

  constructor(
    jobs: JobQueue,
    private readonly users: UsersService,
    private readonly resets: PasswordResetStore,
    private readonly quietPeriods: QuietPeriodStore,
    private readonly links: ResetLink,
    private readonly disavowLink: DisavowLink,
    private readonly outgoing: OutgoingMail,
    private readonly hooks: PasswordResetHooks,
    private readonly events: SecurityEvents,
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly options: PasswordResetOptions,
  ) {
    jobs.work(
      passwordResetQueue,
      (job) => this.answer(job),
      ({ id }) => outgoing.tellGivenUp({ id, template: RESET_PASSWORD }),
    );
  }

  private async answer({ id, data }: Job<{ emailKey: string }>): Promise<void> {
    const user = await this.users.findByEmail({ address: data.emailKey, key: data.emailKey });
    if (!user) return this.suppress('unknown_address');
    if (user.disabledAt) return this.suppress('account_disabled', user);
    const reset = await this.transactions.run(() => this.record(id, user));
    if (typeof reset === 'string') return this.suppress(reset, user);
    await this.mail(reset, user);
  }

  /**
   * Writes the reset's row, whose id is the job's: a retry of the job finds it instead of counting twice.
   * @returns the row, or why there must be no mail
   */
  private async record(id: string, user: User): Promise<PasswordReset | SuppressionReason> {
    await this.users.lock(user.id);
    const existing = await this.resets.findById(id);
    if (existing) return resume(existing, user);
    const now = this.clock.now();
    const refusal = await this.limit(user, now);
    if (refusal) return refusal;
    const reset = {
      id,
      userId: user.id,
      createdAt: now,
      expiresAt: now,
      mailedAt: null,
      usedAt: null,
      revokedAt: null,
      disavowedAt: null,
    };
    await this.resets.insert(reset);
    await this.outgoing.tellQueued(RESET_PASSWORD, user.id);
    return reset;
  }

  private async limit(user: User, now: Date): Promise<SuppressionReason | undefined> {
    const quietUntil = await this.quietPeriods.endOf(user.id);
    if (quietUntil && quietUntil > now) return 'quiet_period';
    return paceRefusal((since) => this.resets.createdSince(user.id, since), now, this.options);
  }

  /** The link is signed now, from the row's id, and lives from the moment the mail server has it. */
  private async mail({ id, createdAt }: PasswordReset, user: User): Promise<void> {
    const { tokenTtlSeconds } = this.options;
    const now = this.clock.now();
    // Provisional, and long enough for a slow mail server: a link must work as soon as it can be read.
    const latestEnd = secondsAfter(now, tokenTtlSeconds + LONGEST_HAND_OVER_SECONDS);
    if (!(await this.resets.prolong(id, latestEnd, null))) return this.suppress('already_answered', user);
    const beginning = linksBegin(createdAt, now);
    const links = {
      link: this.links.make(id, beginning),
      notMeUrl: this.disavowLink.make(id, beginning),
    };
    try {
      await this.outgoing.send(resetPasswordMail(id, user, links, this.options));
    } catch (error) {
      if (error instanceof MailRefusedError) return this.suppress('mail_refused', user);
      throw error;
    }
    const mailedAt = this.clock.now();
    if (!(await this.resets.prolong(id, secondsAfter(mailedAt, tokenTtlSeconds), mailedAt))) return;
    await this.tellMailed('success', user.id, { resetId: id });
    await this.hooks.onMailed({ requestId: currentRequestId(), resetId: id, userId: user.id });
  }

  private async suppress(reason: SuppressionReason, user?: User): Promise<void> {
    const requestId = currentRequestId();
    this.logger.log(`${requestId}: no mail: ${reason}`);
    const userId = user?.id;
    // What has been answered has been told of then.
    if (reason !== 'already_answered') await this.tellMailed('failure', userId, { reason });
    await this.hooks.onSuppressed({ requestId, reason, userId });
  }

  private tellMailed(
    outcome: 'success' | 'failure',
    userId: string | undefined,
    details: Record<string, string>,
  ): Promise<void> {
    return this.events.record({ act: 'password_reset_mailed', outcome, userId, details });
  }
}

/** @returns the row of an earlier try, or why there must be no mail */
function resume(reset: PasswordReset, user: User): PasswordReset | SuppressionReason {
  // Its link would open the account of before to the owner of this one.
  if (reset.userId !== user.id) return 'address_moved';
  return reset.mailedAt || reset.usedAt || reset.revokedAt ? 'already_answered' : reset;
}
