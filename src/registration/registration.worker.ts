import { Injectable } from '@nestjs/common';
import { Clock, SecurityEvents, Transactions } from '../common';
import { JobQueue, PROMPT_RETRIES, QueueDefinition } from '../jobs';
import { MailQueue, OutgoingMail, paceRefusal } from '../mail';
import { EmailTakenError, User, UsersService } from '../users';
import {
  REGISTRATION_PURPOSE,
  registrationNoticeMail,
  VERIFY_EMAIL,
  verifyEmailMail,
} from './registration.mails';
import { RegistrationOptions } from './registration.options';
import { Registration, RegistrationStore } from './registration-store';

/** "Somebody has typed this address." Retried for an hour; after that nobody waits for the mail. */
export const registrationQueue: QueueDefinition<{ registrationId: string }> = {
  name: 'registration',
  ...PROMPT_RETRIES,
  concurrency: 5,
};

/** Why an attempt gets no mail. Whoever made it must not learn it. */
type SuppressionReason = 'account_disabled' | 'cooldown' | 'hourly_cap';

/**
 * Answers an attempt with a link, with a notice to the owner of the account that there is, or with silence. The only
 * place that finds out whether there is an account.
 */
@Injectable()
export class RegistrationWorker {
  constructor(
    jobs: JobQueue,
    private readonly registrations: RegistrationStore,
    private readonly users: UsersService,
    private readonly mails: MailQueue,
    private readonly events: SecurityEvents,
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly options: RegistrationOptions,
    outgoing: OutgoingMail,
  ) {
    jobs.work(
      registrationQueue,
      ({ data }) => this.answer(data.registrationId),
      ({ id }) => outgoing.tellGivenUp({ id, template: VERIFY_EMAIL }),
    );
    mails.checkLinks(REGISTRATION_PURPOSE, (id) => this.isOpen(id));
  }

  private async answer(id: string): Promise<void> {
    const registration = await this.findUnanswered(id);
    if (!registration) return;
    const { id: userId } = await this.provideAccount(registration);
    await this.transactions.run(async () => {
      const user = await this.users.lock(userId);
      if (!user) throw new Error('The account was removed just now; the next try makes it anew.');
      // Once more, now that nobody else decides about this address: a job may be held by two workers (a lease ran out).
      if (await this.findUnanswered(id)) await this.decide(registration, user);
    });
  }

  /** A job that is tried again after its work was done finds nothing to do. */
  private async findUnanswered(id: string): Promise<Registration | undefined> {
    const registration = await this.registrations.findById(id);
    return registration?.passwordHash && !registration.mailedAt ? registration : undefined;
  }

  /** Whether the link of an attempt would open an account now. */
  private async isOpen(id: string): Promise<boolean> {
    const registration = await this.registrations.findById(id);
    const user = registration?.userId ? await this.users.findById(registration.userId) : undefined;
    return !!registration?.passwordHash && !!user?.unverifiedSince && !user.disabledAt;
  }

  private async provideAccount({ email: address, emailKey: key, ...rest }: Registration): Promise<User> {
    const email = { address, key };
    const find = () => this.users.findByEmail(email);
    const { username, locale } = rest;
    try {
      return (await find()) ?? (await this.users.createUnverified({ email, username, locale }));
    } catch (error) {
      // Another attempt was a moment faster: then this is one more for the same account.
      const user = error instanceof EmailTakenError && (await find());
      if (!user) throw error;
      return user;
    }
  }

  private async decide(registration: Registration, user: User): Promise<void> {
    const now = this.clock.now();
    const refusal = user.disabledAt ? 'account_disabled' : await this.limit(registration, now);
    if (refusal) return this.suppress(registration, user, refusal);
    if (user.unverifiedSince) await this.sendLink(registration, user, now);
    else await this.sendNotice(registration, user, now);
  }

  private limit({ emailKey }: Registration, now: Date): Promise<SuppressionReason | undefined> {
    const mailsSince = (since: Date) => this.registrations.mailedSince(emailKey, since);
    return paceRefusal(mailsSince, now, this.options);
  }

  private async sendLink(registration: Registration, user: User, now: Date): Promise<void> {
    await this.registrations.markMailed(registration.id, now, user.id);
    await this.users.renewUnverified(user.id);
    await this.mails.enqueue(verifyEmailMail(registration, user, this.options));
    await this.told(registration, user, { outcome: 'success', mail: 'verify-email' });
  }

  private async sendNotice(registration: Registration, user: User, now: Date): Promise<void> {
    await this.registrations.markMailed(registration.id, now, null);
    await this.registrations.discard(registration.id);
    await this.mails.enqueue(registrationNoticeMail(registration, user, this.options));
    await this.told(registration, user, { outcome: 'success', mail: 'registration-notice' });
  }

  private async suppress(registration: Registration, user: User, reason: SuppressionReason): Promise<void> {
    await this.registrations.discard(registration.id);
    await this.told(registration, user, { outcome: 'failure', reason });
  }

  private told(
    { id: registrationId }: Registration,
    { id: userId, email }: User,
    { outcome, ...details }: { outcome: 'success'; mail: string } | { outcome: 'failure'; reason: string },
  ): Promise<void> {
    return this.events.record({
      act: 'registration_mailed',
      outcome,
      userId,
      email,
      details: { registrationId, ...details },
    });
  }
}
