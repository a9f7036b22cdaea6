import { Injectable, OnModuleInit } from '@nestjs/common';
import { Clock, EmailAddress, RequestSource, SecurityAct, SecurityEvents, Transactions } from '../common';
import { JobQueue } from '../jobs';
import { RepeatedConfirmations } from '../limits';
import { LinkService, OpenedLink } from '../links';
import { DeliveryFeedback, MailService, passwordChangedMail } from '../mail';
import { EmailTakenError, User, UsersService } from '../users';
import { DisavowalLink } from './disavowal.link';
import { ResetTokenInvalidError, ResetTokenUsedError } from './password-reset.errors';
import { PasswordResetHooks, SuppressionReason } from './password-reset.hooks';
import { PasswordResetOptions } from './password-reset.options';
import { passwordResetQueue } from './password-reset.queue';
import { PasswordReset, PasswordResetStore } from './password-reset-store';
import { LiveReset, ResetLink } from './reset.link';

/** More stretches, more jobs in a flood; fewer, and a request just after the cool-down may still be swallowed. */
const STRETCHES_A_COOLDOWN = 12;

/**
 * Request a link, inspect it, confirm a new password with it. What happens between the request and the mail is in
 * `password-reset.worker.ts`, "this was not me" in `disavowal.service.ts`.
 */
@Injectable()
export class PasswordResetService implements OnModuleInit {
  constructor(
    private readonly jobs: JobQueue,
    private readonly resets: PasswordResetStore,
    private readonly link: ResetLink,
    private readonly disavowalLink: DisavowalLink,
    private readonly links: LinkService,
    private readonly users: UsersService,
    private readonly repeats: RepeatedConfirmations,
    private readonly mails: MailService,
    private readonly feedback: DeliveryFeedback,
    private readonly hooks: PasswordResetHooks,
    private readonly events: SecurityEvents,
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly options: PasswordResetOptions,
  ) {}

  onModuleInit(): void {
    this.users.onCredentialsChange((userId) => this.resets.revokeAllOf(userId, this.clock.now()));
    this.users.onSignIn((userId) => this.resets.discountAllOf(userId, this.clock.now()));
    this.feedback.onBounce((mailId) => this.resets.discount(mailId, this.clock.now()));
  }

  /**
   * Requests a link. One statement, the same for every address: only the worker finds out whether there is an account. A
   * request that the queue swallows ends here, as suppressed.
   */
  async request(email: EmailAddress, source: RequestSource): Promise<void> {
    const uniqueKey = this.burstKey(email);
    const added = await this.jobs.enqueue(passwordResetQueue, { emailKey: email.key }, { uniqueKey });
    const about = { source, email: email.address };
    await this.events.record({ act: 'password_reset_requested', outcome: 'success', ...about });
    if (added) return;
    const details = { reason: 'cooldown' satisfies SuppressionReason };
    await this.events.record({ act: 'password_reset_mailed', outcome: 'failure', ...about, details });
  }

  /**
   * Inspects a link. Spends nothing: mail scanners open links, some with a full browser.
   * @throws ResetTokenInvalidError, ResetTokenExpiredError, ResetTokenUsedError
   */
  inspect(token: string, source: RequestSource): Promise<LiveReset> {
    const act = 'password_reset_opened';
    return this.links.withLiveLink(this.link, token, { act, source }, async (live, reset) => {
      await this.record(act, reset, source);
      return live;
    });
  }

  /** As {@link inspect}, for a form that is shown once more: its opening has been recorded. */
  inspectAgain(token: string): Promise<LiveReset> {
    return this.links.openLive(this.link, token);
  }

  /**
   * Confirms a new password: spends the link and sets the password, all or nothing; ends every session and every other
   * link. The same once more, as by a second click, is answered as done.
   * @throws as {@link inspect}, and PasswordRejectedError or OverloadedError, after which the link is still good
   */
  confirm(token: string, password: string, source: RequestSource): Promise<void> {
    const attempt = { act: 'password_reset_completed', source } as const;
    return this.links.withLink(this.link, token, attempt, async (link) => {
      try {
        const { user } = await this.link.assertLive(link);
        await this.setPassword(link.row, user.email, password, source);
      } catch (error) {
        if (!(await this.isDone(link, password, error))) throw error;
        await this.record(attempt.act, link.row, source, { repeated: true });
      }
    });
  }

  private async setPassword(
    reset: PasswordReset,
    email: string,
    password: string,
    source: RequestSource,
  ): Promise<void> {
    const preparedPassword = await this.users.prepareNewPassword(reset.userId, password, { email });
    if (preparedPassword === undefined) throw new ResetTokenInvalidError();
    await this.transactions.run(async () => {
      const user = await this.users.lock(reset.userId);
      if (!user || user.disabledAt) throw new ResetTokenInvalidError();
      const now = this.clock.now();
      if (!(await this.resets.spend(reset.id, now)))
        throw this.link.whyDead(await this.resets.findById(reset.id));
      const owner = reset.undoneChangeId
        ? await this.restoreAddress(reset.undoneChangeId, user, source)
        : user;
      await this.users.changePassword(user.id, preparedPassword, 'reset', user);
      // Opening the link has proven that the address is theirs.
      if (user.unverifiedSince) await this.users.markEmailVerified(user.id);
      const change = { changedAt: now, source, requestUrl: this.options.requestUrl };
      const notMe = { kind: this.disavowalLink, id: reset.id };
      await this.mails.enqueue(passwordChangedMail(owner, change, notMe));
      await this.record('password_reset_completed', reset, source);
      await this.hooks.onPasswordReset({ resetId: reset.id, userId: user.id, source });
    });
  }

  /** Makes the address that a link was mailed to the account's again. @throws ResetTokenUsedError where that is too late */
  private async restoreAddress(changeId: string, user: User, source: RequestSource): Promise<User> {
    try {
      const owner = await this.users.restoreAddress(changeId, user, source);
      if (owner) return owner;
    } catch (error) {
      if (!(error instanceof EmailTakenError)) throw error;
    }
    throw new ResetTokenUsedError();
  }

  /**
   * Whether the link was refused because it has set this very password before.
   * @throws OverloadedError, LimiterUnavailableError
   */
  private async isDone(
    { row: { id, userId }, expired }: OpenedLink<PasswordReset>,
    password: string,
    error: unknown,
  ): Promise<boolean> {
    if (!(error instanceof ResetTokenUsedError)) return false;
    const reset = await this.resets.findById(id);
    if (expired || !reset?.usedAt || reset.disavowedAt || reset.expiresAt <= this.clock.now()) return false;
    if (await this.resets.isUsedAfter(userId, reset.usedAt)) return false;
    if (!(await this.users.findEnabled(userId)) || !(await this.repeats.allow(id))) return false;
    return this.users.hasPassword(userId, password);
  }

  private record(
    act: SecurityAct,
    { id: resetId, userId }: PasswordReset,
    source: RequestSource,
    details: Record<string, boolean> = {},
  ): Promise<void> {
    return this.events.record({ act, outcome: 'success', userId, source, details: { resetId, ...details } });
  }

  /**
   * Requests for the same address in the same short stretch of time share a key, and the queue swallows all but the first:
   * a flood of requests does not become a flood of jobs. The cool-down itself, to the second, is the worker's.
   */
  private burstKey({ key }: EmailAddress): string | undefined {
    const { cooldownSeconds } = this.options;
    if (cooldownSeconds === 0) return undefined;
    const stretchSeconds = Math.ceil(cooldownSeconds / STRETCHES_A_COOLDOWN);
    return `${key} ${Math.floor(this.clock.now().getTime() / 1000 / stretchSeconds)}`;
  }
}
