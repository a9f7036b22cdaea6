import { Injectable } from '@nestjs/common';
import { Clock, SecurityEvents, Transactions } from '../common';
import { JobQueue, RetryLaterError } from '../jobs';
import { MailboxPace, MailEvents, MailService } from '../mail';
import { User, UsersService } from '../users';
import { CONFIRM_EMAIL, confirmEmailMail, emailChangeNoticeMail } from './account.mails';
import { AccountOptions } from './account.options';
import { ConfirmEmailLink } from './confirm-email.link';
import { emailChangeQueue } from './email-change.queue';
import { isPending } from './email-change-state';
import { EmailChange, EmailChangeStore } from './email-change-store';

/** Why the new address got no link. The person who requested it must not learn it. */
type SuppressionReason = 'not_pending' | 'account_disabled' | 'address_taken' | 'already_mailed';

/** Writes to the new address. The only place that finds out, before a change is confirmed, whether it is taken. */
@Injectable()
export class EmailChangeWorker {
  constructor(
    jobs: JobQueue,
    private readonly changes: EmailChangeStore,
    private readonly confirmLink: ConfirmEmailLink,
    private readonly users: UsersService,
    private readonly mails: MailService,
    private readonly pace: MailboxPace,
    private readonly events: SecurityEvents,
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly options: AccountOptions,
    mailEvents: MailEvents,
  ) {
    jobs.work(
      emailChangeQueue,
      ({ data }) => this.transactions.run(() => this.answer(data.changeId)),
      ({ id }) => mailEvents.recordGivenUp({ id, template: CONFIRM_EMAIL }),
    );
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
    await this.waitForTurn(change);
    if (!(await this.changes.markMailed(change.id, this.clock.now()))) return 'already_mailed';
    const owner = await this.confirmLink.findAddressOwner(change);
    if (!owner) {
      await this.mails.enqueue(confirmEmailMail(change, this.confirmLink));
      return undefined;
    }
    if (!owner.disabledAt) await this.mails.enqueue(emailChangeNoticeMail(owner, this.options.requestUrl));
    return 'address_taken';
  }

  /** Somebody signed in waits for the mail: it comes later, not never. @throws RetryLaterError */
  private async waitForTurn({ emailKey }: EmailChange): Promise<void> {
    const refusal = await this.pace.take(emailKey, 'changes');
    if (!refusal) return;
    const { reason, retryAfterSeconds } = refusal;
    throw new RetryLaterError(`the new address has just got a mail: ${reason}`, retryAfterSeconds);
  }
}
