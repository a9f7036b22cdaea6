import { Injectable, OnModuleInit } from '@nestjs/common';
import {
  Clock,
  LinkExpiredError,
  LinkInvalidError,
  recordingFailure,
  RequestSource,
  ReturnedLink,
  secondsAfter,
  SecurityEvents,
  Transactions,
} from '../common';
import { Housekeeping } from '../jobs';
import { UsersService } from '../users';
import { DisavowLink } from './disavow-link';
import { PasswordResetOptions } from './password-reset.options';
import { PasswordReset, PasswordResetStore } from './password-reset-store';
import { QuietPeriodStore } from './quiet-period-store';

/**
 * Whose password has been sealed cannot sign in and must be able to recover, soon. Not at once: what an intruder asked for
 * a moment ago may still be in the queue.
 */
const LONGEST_QUIET_SECONDS_AFTER_SEALING = 60;

/** A notice may be on its way for days (see `mailQueue`), and its link lives from when it is sent. */
const DAYS_A_NOTICE_IS_ON_ITS_WAY = 4;
const SECONDS_A_DAY = 86_400;

/** What happens when the owner of an account says "this was not me". */
@Injectable()
export class Disavowals implements OnModuleInit {
  constructor(
    private readonly link: DisavowLink,
    private readonly resets: PasswordResetStore,
    private readonly quietPeriods: QuietPeriodStore,
    private readonly users: UsersService,
    private readonly events: SecurityEvents,
    private readonly housekeeping: Housekeeping,
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly options: PasswordResetOptions,
  ) {}

  onModuleInit(): void {
    this.housekeeping.register('password resets', () => this.resets.deleteExpired(this.endOfLinks()));
    this.housekeeping.register('quiet periods', () => this.quietPeriods.deleteEnded(this.endOfLinks()));
  }

  /**
   * What saying so would do; does nothing.
   * @throws LinkInvalidError, LinkExpiredError
   */
  async look(token: string): Promise<{ quietSeconds: number }> {
    const reset = live(await this.find(token));
    return { quietSeconds: this.quietSeconds(await this.hasSetThePassword(reset)) };
  }

  /**
   * Ends every session and every link of the account, and begins a quiet period. Where the reset of the mail has
   * set the password that there is, that password is dead too. Each link does all this once; pressing it again is no error
   * and does nothing.
   * @throws as {@link look}
   */
  async disavow(token: string, source: RequestSource): Promise<void> {
    const link = await this.find(token);
    const { id: resetId, userId } = link.row;
    const event = { act: 'password_reset_disavowed', userId, source, details: { resetId } } as const;
    await recordingFailure(this.events, event, async () => {
      const { id } = live(link);
      await this.transactions.run(() => this.answer(id, userId, source));
    });
  }

  private async answer(resetId: string, userId: string, source: RequestSource): Promise<void> {
    if (!(await this.users.lock(userId))) throw new LinkInvalidError();
    const first = await this.resets.disavow(resetId, this.clock.now());
    // Read under the lock: a use of the reset's link at the same moment has been committed, or finds it revoked.
    const reset = await this.resets.findById(resetId);
    const sealed = first && !!reset && (await this.revoke(reset));
    const details = { resetId, repeated: !first, sealed };
    const event = { act: 'password_reset_disavowed', outcome: 'success', userId, source, details } as const;
    await this.events.record(event);
  }

  /** @returns whether the password is dead */
  private async revoke(reset: PasswordReset): Promise<boolean> {
    const seals = await this.hasSetThePassword(reset);
    if (seals) await this.users.sealPassword(reset.userId);
    else await this.users.revokeAccess(reset.userId);
    await this.beginQuietPeriod(reset, seals);
    return seals;
  }

  /**
   * Whether the password that there is comes from a reset. One that was changed since by somebody signed in does: it took
   * the password of the reset to change it. One that was set by a later mail does not, and is the owner's who took the
   * account back; should it be another's, the notice of that reset says "this was not me" to it.
   */
  private async hasSetThePassword({ userId, usedAt }: PasswordReset): Promise<boolean> {
    return usedAt !== null && !(await this.resets.isUsedAfter(userId, usedAt));
  }

  /**
   * A quiet period answers every mail from before it: none is sent while it lasts, so a reset that is older than its end
   * is older than its beginning. Else a handful of old mails could keep an owner out, one hour after the other.
   */
  private async beginQuietPeriod(reset: PasswordReset, sealed: boolean): Promise<void> {
    const seconds = this.quietSeconds(sealed);
    const latestEnd = await this.quietPeriods.endOf(reset.userId);
    const answered = !sealed && latestEnd !== undefined && reset.createdAt <= latestEnd;
    if (seconds === 0 || answered) return;
    await this.quietPeriods.begin(reset.userId, secondsAfter(this.clock.now(), seconds));
  }

  private quietSeconds(sealed: boolean): number {
    const { quietPeriodSeconds } = this.options;
    return sealed ? Math.min(quietPeriodSeconds, LONGEST_QUIET_SECONDS_AFTER_SEALING) : quietPeriodSeconds;
  }

  private find(token: string): Promise<ReturnedLink<PasswordReset>> {
    return this.link.find(token, (id) => this.resets.findById(id));
  }

  /** A reset that expired before this has no link left that could be pressed. */
  private endOfLinks(): Date {
    const { disavowTtlSeconds } = this.options;
    return secondsAfter(this.clock.now(), -disavowTtlSeconds - DAYS_A_NOTICE_IS_ON_ITS_WAY * SECONDS_A_DAY);
  }
}

function live({ row, expired }: ReturnedLink<PasswordReset>): PasswordReset {
  if (expired) throw new LinkExpiredError();
  return row;
}
