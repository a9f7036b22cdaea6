import { Injectable, OnModuleInit } from '@nestjs/common';
import {
  Clock,
  EmailAddress,
  recordingFailure,
  RequestSource,
  ReturnedLink,
  SecurityAct,
  SecurityEvents,
  Transactions,
} from '../common';
import { JobQueue } from '../jobs';
import { MailQueue, passwordChangedMail } from '../mail';
import { UsersService } from '../users';
import { DisavowLink } from './disavow-link';
import { Disavowals } from './disavowals';
import { ResetTokenExpiredError, ResetTokenInvalidError, ResetTokenUsedError } from './password-reset.errors';
import { PasswordResetHooks, SuppressionReason } from './password-reset.hooks';
import { PasswordResetOptions } from './password-reset.options';
import { PasswordReset, PasswordResetStore } from './password-reset-store';
import { passwordResetQueue } from './password-reset.queue';
import { ResetLink } from './reset-link';

/** More stretches, more jobs in a flood; fewer, and an ask just after the cool-down may still be swallowed. */
const STRETCHES_A_COOLDOWN = 12;

/** Ask, look, confirm, and "this was not me". What happens between asking and the mail is in `password-reset.worker.ts`. */
@Injectable()
export class PasswordResetService implements OnModuleInit {
  constructor(
    private readonly jobs: JobQueue,
    private readonly resets: PasswordResetStore,
    private readonly links: ResetLink,
    private readonly disavowLink: DisavowLink,
    private readonly disavowals: Disavowals,
    private readonly users: UsersService,
    private readonly mails: MailQueue,
    private readonly hooks: PasswordResetHooks,
    private readonly events: SecurityEvents,
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly options: PasswordResetOptions,
  ) {}

  onModuleInit(): void {
    this.users.onCredentialsChange((userId) => this.resets.revokeAllOf(userId, this.clock.now()));
  }

  /**
   * Ask. One statement, the same for every address: whether there is an account, only the worker finds out. An ask that the
   * queue swallows ends here, as suppressed.
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
   * Look. Spends nothing, however often and by whomever: mail scanners open links, some with a full browser.
   * @throws ResetTokenInvalidError, ResetTokenExpiredError, ResetTokenUsedError
   */
  verify(token: string, source: RequestSource): Promise<{ expiresAt: Date }> {
    const act = 'password_reset_opened';
    return this.follow(act, token, source, async ({ id, userId, expiresAt }) => {
      await this.events.record({ act, outcome: 'success', userId, source, details: { resetId: id } });
      return { expiresAt };
    });
  }

  /**
   * Confirm: spends the link and sets the password, all or nothing; ends every session and every other link.
   * @throws as {@link verify}, and PasswordRejectedError or OverloadedError, after which the link is still good
   */
  confirm(token: string, password: string, source: RequestSource): Promise<void> {
    return this.follow('password_reset_completed', token, source, (reset) =>
      this.setPassword(reset, password, source),
    );
  }

  /**
   * Look at the link "this was not me". Spends nothing.
   * @returns for how long the account would get no mails
   * @throws LinkInvalidError, LinkExpiredError
   */
  lookDisavow(token: string): Promise<{ quietSeconds: number }> {
    return this.disavowals.look(token);
  }

  /** "This was not me": see {@link Disavowals.disavow}. @throws LinkInvalidError, LinkExpiredError */
  disavow(token: string, source: RequestSource): Promise<void> {
    return this.disavowals.disavow(token, source);
  }

  private async setPassword(reset: PasswordReset, password: string, source: RequestSource): Promise<void> {
    const preparedPassword = await this.users.prepareNewPassword(reset.userId, password);
    if (preparedPassword === undefined) throw new ResetTokenInvalidError();
    await this.transactions.run(async () => {
      const user = await this.users.lock(reset.userId);
      if (!user || user.disabledAt) throw new ResetTokenInvalidError();
      const now = this.clock.now();
      if (!(await this.resets.spend(reset.id, now)))
        throw deadLinkError(await this.resets.findById(reset.id));
      await this.users.changePassword(user.id, preparedPassword);
      // Who could open the link has proven that the address is theirs.
      await this.users.verify(user.id);
      const change = { changedAt: now, source, requestUrl: this.options.requestUrl };
      await this.mails.enqueue(passwordChangedMail(user, change, this.disavowLink.queued(reset.id)));
      const event = { act: 'password_reset_completed', outcome: 'success', userId: user.id } as const;
      await this.events.record({ ...event, source, details: { resetId: reset.id } });
      await this.hooks.onPasswordReset({ resetId: reset.id, userId: user.id, source });
    });
  }

  /** Does something with a link that is live. What refuses it is told of, whosever link it is. */
  private async follow<T>(
    act: SecurityAct,
    token: string,
    source: RequestSource,
    work: (reset: PasswordReset) => Promise<T>,
  ): Promise<T> {
    const link = await this.find(token);
    const { id: resetId, userId } = link.row;
    return recordingFailure(this.events, { act, userId, source, details: { resetId } }, async () => {
      await this.demandLive(link);
      return work(link.row);
    });
  }

  /** A forged token is told of nowhere: whoever makes them would fill the record. */
  private find(token: string): Promise<ReturnedLink<PasswordReset>> {
    return this.links.find(token, (id) => this.resets.findById(id));
  }

  private async demandLive({ row: reset, expired }: ReturnedLink<PasswordReset>): Promise<void> {
    if (expired) throw new ResetTokenExpiredError();
    if (reset.usedAt || reset.revokedAt || reset.expiresAt <= this.clock.now()) throw deadLinkError(reset);
    const user = await this.users.findById(reset.userId);
    if (!user || user.disabledAt) throw new ResetTokenInvalidError();
  }

  /**
   * Asks for the same address in the same short stretch of time share a key, and the queue swallows all but the first:
   * a flood of asks does not become a flood of jobs. The cool-down itself, to the second, is the worker's.
   */
  private burstKey({ key }: EmailAddress): string | undefined {
    const { cooldownSeconds } = this.options;
    if (cooldownSeconds === 0) return undefined;
    const stretchSeconds = Math.ceil(cooldownSeconds / STRETCHES_A_COOLDOWN);
    return `${key} ${Math.floor(this.clock.now().getTime() / 1000 / stretchSeconds)}`;
  }
}

function deadLinkError(reset: PasswordReset | undefined): Error {
  if (!reset) return new ResetTokenInvalidError();
  return reset.usedAt || reset.revokedAt ? new ResetTokenUsedError() : new ResetTokenExpiredError();
}
