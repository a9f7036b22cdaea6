import { Injectable, Logger } from '@nestjs/common';
import {
  Clock,
  currentRequestId,
  SecurityEvents,
  secondsAfter,
  SharedRounds,
  withRequestId,
} from '../common';
import { JobQueue } from '../jobs';
import { LinkService } from '../links';
import { MailEvents, MailOptions, MailRefusedError, MailService } from '../mail';
import { User } from '../users';
import { DisavowalLink } from './disavowal.link';
import { PasswordResetHooks, SuppressionReason } from './password-reset.hooks';
import { RESET_PASSWORD, resetPasswordMail } from './password-reset.mails';
import { PasswordResetOptions } from './password-reset.options';
import { passwordResetQueue, ResetRequest } from './password-reset.queue';
import { PasswordReset, PasswordResetStore } from './password-reset-store';
import { Decision, ResetDecisions, ResetJob } from './reset-decisions';
import { ResetLink } from './reset.link';

/** A link that was decided longer ago than this is given its whole life again before it is mailed. */
const FRESH_SECONDS = 5;

/** Answers a request with a mail, or with silence. */
@Injectable()
export class PasswordResetWorker {
  private readonly logger = new Logger('PasswordReset');
  /** What the triage has decided of jobs that wait for their turn in this process; each is used once. */
  private readonly decided = new WeakMap<ResetRequest, Decision>();
  private readonly marking = new SharedRounds((ids: readonly string[]) => this.markMailed(ids));

  constructor(
    jobs: JobQueue,
    private readonly decisions: ResetDecisions,
    private readonly resets: PasswordResetStore,
    private readonly resetLink: ResetLink,
    private readonly disavowalLink: DisavowalLink,
    private readonly links: LinkService,
    private readonly mails: MailService,
    private readonly mailEvents: MailEvents,
    private readonly hooks: PasswordResetHooks,
    private readonly events: SecurityEvents,
    private readonly clock: Clock,
    private readonly options: PasswordResetOptions,
    { maxConnections: concurrency }: MailOptions,
  ) {
    jobs.work<ResetRequest>(
      { ...passwordResetQueue, concurrency },
      (job) => this.answer(job),
      ({ id }) => this.giveUp(id),
      (batch) => this.triage(batch),
    );
  }

  /** Settles all that get no mail; of the others, which are returned, most have been decided. */
  private async triage(jobs: readonly ResetJob[]): Promise<ResetJob[]> {
    const decisions = await this.decisions.decideAll(jobs);
    const settled = await Promise.all(jobs.map((job) => this.settle(job, decisions.get(job.id))));
    return jobs.filter((_, n) => !settled[n]);
  }

  /** @returns whether it is done; a hook that fails has another try, as in any job */
  private settle(job: ResetJob, decision: Decision | undefined): Promise<boolean> {
    if (decision) this.decided.set(job.data, decision);
    if (!decision || !('reason' in decision)) return Promise.resolve(false);
    return inRequestOf(job, () => this.suppress(decision)).then(
      () => true,
      () => false,
    );
  }

  private async answer(job: ResetJob): Promise<void> {
    const known = this.decided.get(job.data);
    this.decided.delete(job.data);
    const decision = known ? await this.refresh(known) : await this.decisions.decide(job);
    if ('reason' in decision) await this.suppress(decision);
    else await this.mail(decision.reset, decision.user);
  }

  /** A link lives from when it is signed, however long its mail has waited for the mails before it. */
  private async refresh(decision: Decision): Promise<Decision> {
    if ('reason' in decision) return decision;
    const { reset, user } = decision;
    const isFresh = reset.expiresAt >= secondsAfter(this.links.endOf(this.resetLink), -FRESH_SECONDS);
    return isFresh ? decision : this.decisions.renew(reset, user);
  }

  private async mail(reset: PasswordReset, user: User): Promise<void> {
    const { id } = reset;
    const kinds = { resetLink: this.resetLink, disavowalLink: this.disavowalLink };
    try {
      await this.mails.send(id, resetPasswordMail(reset, user, kinds, this.options));
    } catch (error) {
      if (!(error instanceof MailRefusedError)) throw error;
      await this.resets.discount(id, this.clock.now());
      return this.suppress({ reason: 'mail_refused', user });
    }
    // A worker that was thought dead, and comes back, says nothing twice.
    if (!(await this.marking.do(id))) return;
    await this.record('success', user.id, { resetId: id });
    await this.hooks.onMailed({ requestId: currentRequestId(), resetId: id, userId: user.id });
  }

  private async markMailed(ids: readonly string[]): Promise<boolean[]> {
    const marked = new Set(await this.resets.markAllMailed(ids, this.clock.now()));
    // Of one id that is there twice, only one was marked.
    return ids.map((id) => marked.delete(id));
  }

  private async giveUp(id: string): Promise<void> {
    await this.resets.discount(id, this.clock.now());
    await this.mailEvents.recordGivenUp({ id, template: RESET_PASSWORD });
  }

  private async suppress({ reason, user }: { reason: SuppressionReason; user?: User }): Promise<void> {
    const requestId = currentRequestId();
    this.logger.log(`${requestId}: no mail: ${reason}`);
    const userId = user?.id;
    // What was answered before was recorded then.
    if (reason !== 'already_answered') await this.record('failure', userId, { reason });
    await this.hooks.onSuppressed({ requestId, reason, userId });
  }

  private record(
    outcome: 'success' | 'failure',
    userId: string | undefined,
    details: Record<string, string>,
  ): Promise<void> {
    return this.events.record({ act: 'password_reset_mailed', outcome, userId, details });
  }
}

function inRequestOf<T>({ requestId }: ResetJob, work: () => Promise<T>): Promise<T> {
  return requestId === undefined ? work() : withRequestId(requestId, work);
}
