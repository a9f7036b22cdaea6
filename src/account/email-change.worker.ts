import { Injectable } from '@nestjs/common';
import { Clock, secondsAfter, SecurityEvents, Transactions } from '../common';
import { JobQueue, PROMPT_RETRIES, QueueDefinition } from '../jobs';
import { MailQueue, OutgoingMail } from '../mail';
import { User, UsersService } from '../users';
import { CONFIRM_EMAIL, confirmEmailMail, emailChangeNoticeMail } from './account.mails';
import { AccountOptions } from './account.options';
import { CANCEL_PURPOSE, CONFIRM_PURPOSE, EmailChangeLinks, isPending } from './email-change-links';
import { EmailChange, EmailChangeStore } from './email-change-store';

/** "Somebody asked for a change of address." */
export const emailChangeQueue: QueueDefinition<{ changeId: string }> = {
  name: 'email-change',
  ...PROMPT_RETRIES,
  concurrency: 5,
};

/** Why the new address got no link. Whoever asked must not learn it. */
type SuppressionReason =
  'not_pending' | 'account_disabled' | 'hourly_cap' | 'address_taken' | 'already_mailed';

const SECONDS_AN_HOUR = 3600;

/** Writes to the new address. The only place that finds out, before a change is confirmed, whether it is taken. */
@Injectable()
export class EmailChangeWorker {
  constructor(
    jobs: JobQueue,
    private readonly changes: EmailChangeStore,
    private readonly links: EmailChangeLinks,
    private readonly users: UsersService,
    private readonly mails: MailQueue,
    private readonly events: SecurityEvents,
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly options: AccountOptions,
    outgoing: OutgoingMail,
  ) {
    jobs.work(
      emailChangeQueue,
      ({ data }) => this.transactions.run(() => this.answer(data.changeId)),
      ({ id }) => outgoing.tellGivenUp({ id, template: CONFIRM_EMAIL }),
    );
    mails.checkLinks(CONFIRM_PURPOSE, (id) => this.isConfirmable(id));
    mails.checkLinks(CANCEL_PURPOSE, async (id) => !!(await links.pendingChange(id)));
  }

  private async answer(changeId: string): Promise<void> {
    const change = await this.changes.findById(changeId);
    const user = change && (await this.users.findById(change.userId));
    if (!user) return;
    const refusal = await this.mail(change, user);
    await this.events.record({
      act: 'email_change_mailed',
      outcome: refusal ? 'failure' : 'success',
      userId: user.id,
      email: change.email,
      details: { changeId, ...(refusal && { reason: refusal }) },
    });
  }

  /** @returns why the new address gets no link, if so */
  private async mail(change: EmailChange, user: User): Promise<SuppressionReason | undefined> {
    if (!isPending(change)) return 'not_pending';
    if (user.disabledAt) return 'account_disabled';
    if (await this.isFlooded(change)) return 'hourly_cap';
    if (!(await this.changes.markMailed(change.id, this.clock.now()))) return 'already_mailed';
    const owner = await this.ownerOf(change);
    if (!owner) {
      await this.mails.enqueue(confirmEmailMail(user, change, this.options));
      return undefined;
    }
    if (!owner.disabledAt) await this.mails.enqueue(emailChangeNoticeMail(owner, this.options.requestUrl));
    return 'address_taken';
  }

  private async isConfirmable(id: string): Promise<boolean> {
    const change = await this.links.pendingChange(id);
    return !!change && !(await this.ownerOf(change));
  }

  /** @returns who has the new address; an unverified account does not count: it gives way to whoever proves the address */
  private async ownerOf({ email: address, emailKey: key }: EmailChange): Promise<User | undefined> {
    const owner = await this.users.findByEmail({ address, key });
    return owner?.unverifiedSince ? undefined : owner;
  }

  /**
   * Counts what was asked for, not what was mailed: every change was committed before its job runs, so of changes that
   * are answered at the same moment the last to count sees all of them, and the limit is never exceeded.
   */
  private async isFlooded({ emailKey, createdAt }: EmailChange): Promise<boolean> {
    const { mailsPerHour } = this.options;
    if (mailsPerHour === 0) return false;
    return (await this.changes.countTo(emailKey, secondsAfter(createdAt, -SECONDS_AN_HOUR))) > mailsPerHour;
  }
}
