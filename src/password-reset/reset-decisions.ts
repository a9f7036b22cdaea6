import { Injectable } from '@nestjs/common';
import { Clock, mailboxKey, Transactions } from '../common';
import type { Job } from '../jobs';
import { addressDigest, LinkService } from '../links';
import { MailboxPace, MailEvents } from '../mail';
import { Recoverable, User, UsersService } from '../users';
import type { SuppressionReason } from './password-reset.hooks';
import { RESET_PASSWORD } from './password-reset.mails';
import { PasswordResetOptions } from './password-reset.options';
import type { ResetRequest } from './password-reset.queue';
import { PasswordReset, PasswordResetStore } from './password-reset-store';
import { QuietPeriodStore } from './quiet-period-store';
import { ResetLink } from './reset.link';
import { paceBegins, paceRefusal } from './reset-pace';

/** What becomes of a request: a link, whose row is there now, or why there is none. */
export type Decision = { reset: PasswordReset; user: User } | { reason: SuppressionReason; user?: User };

/** By the ids of jobs. */
export type Decisions = Map<string, Decision>;

/** The job of a request. */
export type ResetJob = Job<ResetRequest>;

/** A request for an account that there is. */
type Candidate = Recoverable & { job: ResetJob };

/**
 * Decides whether a request gets a link: under the lock of its account, so that of two requests at a time the second sees
 * the link of the first, and none is made for an account that is being disabled. The only place that finds out whether
 * there is an account.
 */
@Injectable()
export class ResetDecisions {
  constructor(
    private readonly users: UsersService,
    private readonly resets: PasswordResetStore,
    private readonly quietPeriods: QuietPeriodStore,
    private readonly link: ResetLink,
    private readonly links: LinkService,
    private readonly mailEvents: MailEvents,
    private readonly mailboxPace: MailboxPace,
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly options: PasswordResetOptions,
  ) {}

  /**
   * Decides as many requests as it can in a few statements for all of them, in their order. It waits for nobody.
   * @returns without those that have to be decided by themselves: their account is locked by others, they were tried before,
   *   or they count for a mailbox as well
   */
  async decideAll(jobs: readonly ResetJob[]): Promise<Decisions> {
    const { decisions, candidates } = await this.findAccounts(jobs);
    const shared = candidates.filter((candidate) => !this.sharesMailbox(candidate));
    if (shared.length === 0) return decisions;
    const made = await this.transactions.run(async () => {
      const locked = await this.users.lockFree([...new Set(shared.map(({ user }) => user.id))]);
      return this.makeLinks(shared.filter(({ user }) => locked.get(user.id)?.disabledAt === null));
    });
    return new Map([...decisions, ...made]);
  }

  /** Decides one request, however long others hold its account. */
  async decide(job: ResetJob): Promise<Decision> {
    const { decisions, candidates } = await this.findAccounts([job]);
    const [candidate] = candidates;
    return candidate ? this.transactions.run(() => this.decideLocked(candidate)) : decisions.get(job.id)!;
  }

  /** Sets the end of a link that is signed now. @returns why that is too late */
  async renew(reset: PasswordReset, user: User): Promise<Decision> {
    const expiresAt = this.links.endOf(this.link);
    if (await this.resets.renew(reset.id, expiresAt)) return { reset: { ...reset, expiresAt }, user };
    return { reason: 'already_answered', user };
  }

  private async findAccounts(
    jobs: readonly ResetJob[],
  ): Promise<{ decisions: Decisions; candidates: Candidate[] }> {
    const found = await this.users.findForRecovery([...new Set(jobs.map(({ data }) => data.emailKey))]);
    const decisions: Decisions = new Map();
    const candidates: Candidate[] = [];
    for (const job of jobs) {
      const recoverable = found.get(job.data.emailKey);
      if (!recoverable) decisions.set(job.id, { reason: 'unknown_address' });
      else if (recoverable.user.disabledAt)
        decisions.set(job.id, { reason: 'account_disabled', user: recoverable.user });
      else candidates.push({ job, ...recoverable });
    }
    return { decisions, candidates };
  }

  private async decideLocked(candidate: Candidate): Promise<Decision> {
    const { job, user } = candidate;
    const current = await this.users.lock(user.id);
    if (!current) return { reason: 'unknown_address', user };
    // Disabled since it was looked up: a link made now would outlive that.
    if (current.disabledAt) return { reason: 'account_disabled', user };
    const existing = await this.resets.findById(job.id);
    if (existing) return this.resume(existing, candidate);
    return (await this.makeLinks([candidate])).get(job.id) ?? { reason: 'already_answered', user };
  }

  /** An earlier try has made the row, and no mail server has taken its mail for sure. */
  private async resume(reset: PasswordReset, { user, undoneChangeId }: Candidate): Promise<Decision> {
    // Its link would open the account of before to the owner of this one.
    if (reset.userId !== user.id || (reset.undoneChangeId ?? null) !== undoneChangeId)
      return { reason: 'address_moved', user };
    return this.renew(reset, user);
  }

  /**
   * Writes the rows of requests whose accounts are locked, where their pace allows it. The id of a row is that of its job: a
   * retry of the job finds it instead of counting twice.
   * @returns without those of accounts for which there is such a row already
   */
  private async makeLinks(candidates: readonly Candidate[]): Promise<Decisions> {
    const now = this.clock.now();
    const userIds = [...new Set(candidates.map(({ user }) => user.id))];
    const quietPeriods = await this.quietPeriods.endsOf(userIds);
    const open = await this.resets.openOfAllSince(userIds, paceBegins(now, this.options));
    const decisions: Decisions = new Map();
    const made: { reset: PasswordReset; job: ResetJob }[] = [];
    for (const candidate of candidates) {
      const { job, user } = candidate;
      const openOfUser = open.filter(({ userId }) => userId === user.id);
      if (openOfUser.some(({ id }) => id === job.id)) continue;
      const reason = await this.refusal(candidate, openOfUser, quietPeriods.get(user.id), now);
      if (reason) {
        decisions.set(job.id, { reason, user });
        continue;
      }
      const reset = this.newReset(candidate, now);
      decisions.set(job.id, { reset, user });
      made.push({ reset, job });
      open.unshift(reset);
    }
    return this.insert(made, decisions);
  }

  private async insert(
    made: readonly { reset: PasswordReset; job: ResetJob }[],
    decisions: Decisions,
  ): Promise<Decisions> {
    if (made.length === 0) return decisions;
    const inserted = new Set(await this.resets.insertAll(made.map(({ reset }) => reset)));
    const queued = made.filter(({ reset }) => inserted.has(reset.id));
    await this.mailEvents.recordAllQueued(
      RESET_PASSWORD,
      queued.map(({ reset: { userId }, job: { requestId } }) => ({ userId, requestId })),
    );
    // Others of the account may have been refused for the sake of a link that was not made.
    const doubtful = new Set(
      made.filter(({ reset }) => !inserted.has(reset.id)).map(({ reset }) => reset.userId),
    );
    return new Map([...decisions].filter(([, { user }]) => !doubtful.has(user!.id)));
  }

  private async refusal(
    { job: { data }, user, undoneChangeId }: Candidate,
    open: readonly PasswordReset[],
    quietUntil: Date | undefined,
    now: Date,
  ): Promise<SuppressionReason | undefined> {
    // The holder of the account's address must not keep its former owner out: neither by a quiet period nor by links.
    if (!undoneChangeId && quietUntil && quietUntil > now) return 'quiet_period';
    const counted = open.filter(
      (reset) => reset.undoneChangeId === undefined || reset.undoneChangeId === undoneChangeId,
    );
    const refusal = paceRefusal(counted, now, this.options);
    if (refusal || !this.sharesMailbox({ job: { data }, user })) return refusal;
    return (await this.mailboxPace.take(data.emailKey, 'registrations'))?.reason;
  }

  /** Anybody can register any number of sub-addresses of a mailbox, and request resets of them all. */
  private sharesMailbox({ job: { data }, user }: { job: Pick<ResetJob, 'data'>; user: User }): boolean {
    return !!user.unverifiedSince && mailboxKey(data.emailKey) !== data.emailKey;
  }

  private newReset({ job: { id }, user, undoneChangeId }: Candidate, now: Date): PasswordReset {
    return {
      id,
      userId: user.id,
      emailDigest: addressDigest(user.email),
      undoneChangeId,
      createdAt: now,
      expiresAt: this.links.endOf(this.link),
      mailedAt: null,
      usedAt: null,
      revokedAt: null,
      disavowedAt: null,
      discountedAt: null,
    };
  }
}
