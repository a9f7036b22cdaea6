import { Injectable, OnModuleInit } from '@nestjs/common';
import { Clock, RequestSource, secondsAfter, SecurityEvents, Transactions } from '../common';
import { LinkService } from '../links';
import { UsersService } from '../users';
import { DisavowalLink } from './disavowal.link';
import { PasswordResetOptions } from './password-reset.options';
import { PasswordReset, PasswordResetStore } from './password-reset-store';
import { QuietPeriodStore } from './quiet-period-store';

/**
 * The longest quiet period after the password was made unusable: the owner cannot sign in and must be able to recover soon.
 * Not at once, since what an intruder requested a moment ago may still be in the queue.
 */
const LONGEST_QUIET_SECONDS_AFTER_SEALING = 60;

/** What happens when the owner of an account says "this was not me". */
@Injectable()
export class DisavowalService implements OnModuleInit {
  constructor(
    private readonly link: DisavowalLink,
    private readonly links: LinkService,
    private readonly resets: PasswordResetStore,
    private readonly quietPeriods: QuietPeriodStore,
    private readonly users: UsersService,
    private readonly events: SecurityEvents,
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly options: PasswordResetOptions,
  ) {}

  onModuleInit(): void {
    this.users.onDisable((userId) => this.resets.disavowAllOf(userId, this.clock.now()));
  }

  /**
   * Inspects a link: what confirming it would do. Spends nothing.
   * @returns for how long the account would get no mails
   * @throws LinkInvalidError, LinkExpiredError; AddressMovedError where the account has another address now
   */
  async inspect(token: string): Promise<{ quietSeconds: number }> {
    const reset = await this.links.openLive(this.link, token);
    return { quietSeconds: this.quietSeconds(await this.hasSetThePassword(reset)) };
  }

  /**
   * Ends every session and every link of the account, and begins a quiet period. If the reset of the mail has set the
   * present password, that becomes unusable too. Each link does all this once; using it again is no error and does nothing.
   * @throws as {@link inspect}
   */
  confirm(token: string, source: RequestSource): Promise<void> {
    const attempt = { act: 'password_reset_disavowed', source } as const;
    return this.links.withLiveLink(this.link, token, attempt, (reset) =>
      this.transactions.run(() => this.disavow(reset, source)),
    );
  }

  private async disavow(opened: PasswordReset, source: RequestSource): Promise<void> {
    const { id: resetId, userId } = opened;
    this.link.assertReach(opened, await this.users.lock(userId));
    const first = await this.resets.disavow(resetId, this.clock.now());
    // Read under the lock: a use of the reset's link at the same moment has been committed, or finds it revoked.
    const reset = await this.resets.findById(resetId);
    const sealed = first && !!reset && (await this.revoke(reset));
    const details = { resetId, repeated: !first, sealed };
    const event = { act: 'password_reset_disavowed', outcome: 'success', userId, source, details } as const;
    await this.events.record(event);
  }

  /** @returns whether the password is unusable now */
  private async revoke(reset: PasswordReset): Promise<boolean> {
    const seals = await this.hasSetThePassword(reset);
    if (seals) await this.users.setUnusablePassword(reset.userId);
    else await this.users.revokeAccess(reset.userId);
    await this.beginQuietPeriod(reset, seals);
    return seals;
  }

  /**
   * Whether the present password comes from a reset. One that was changed since by somebody signed in does: they needed the
   * password of the reset to change it. One that was set by a later mail does not: it belongs to the owner who took the
   * account back. If it does not, the notice of that later reset has a link of its own.
   */
  private async hasSetThePassword({ userId, usedAt }: PasswordReset): Promise<boolean> {
    return usedAt !== null && !(await this.resets.isUsedAfter(userId, usedAt));
  }

  /**
   * A quiet period answers every mail from before it: none is sent while it lasts, so a reset that is older than its end
   * is older than its beginning. Otherwise a handful of old mails could keep an owner out, one hour after the other.
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
}
