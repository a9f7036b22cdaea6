import { Injectable } from '@nestjs/common';
import { Clock, SecurityEvent, SecurityEvents, Transactions } from '../common';
import { Job, JobQueue } from '../jobs';
import { MailboxPace, MailEvents, MailService } from '../mail';
import { EmailTakenError, User, UsersService } from '../users';
import { RegistrationLink } from './registration.link';
import { registrationNoticeMail, VERIFY_EMAIL, verifyEmailMail } from './registration.mails';
import { RegistrationOptions } from './registration.options';
import { RegistrationRequested, registrationQueue } from './registration.queue';
import { Registration, RegistrationStore } from './registration-store';

/** Why an attempt gets no mail. The person who made it must not learn it. */
type SuppressionReason = 'account_disabled' | 'cooldown' | 'mailbox_paced';

type RegistrationJob = Job<RegistrationRequested>;

interface Refused {
  job: RegistrationJob;
  registration: Registration;
  user: User;
  reason: SuppressionReason;
}

/**
 * Answers an attempt with a link, with a notice to the owner of an existing account, or with silence. The only place that
 * finds out whether there is an account.
 */
@Injectable()
export class RegistrationWorker {
  constructor(
    jobs: JobQueue,
    private readonly registrations: RegistrationStore,
    private readonly link: RegistrationLink,
    private readonly users: UsersService,
    private readonly mails: MailService,
    private readonly pace: MailboxPace,
    private readonly events: SecurityEvents,
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly options: RegistrationOptions,
    mailEvents: MailEvents,
  ) {
    jobs.work<RegistrationRequested>(
      registrationQueue,
      ({ data }) => this.answer(data.registrationId),
      ({ id }) => mailEvents.recordGivenUp({ id, template: VERIFY_EMAIL }),
      (batch) => this.triage(batch),
    );
  }

  /**
   * Settles the attempts that get no mail: those that are answered, and those about an account that is disabled or whose
   * mailbox has got enough mails. It locks nothing to see that, so what is in doubt is left to {@link answer}.
   */
  private async triage(jobs: readonly RegistrationJob[]): Promise<RegistrationJob[]> {
    const found = await this.registrations.findByIds(jobs.map(({ data }) => data.registrationId));
    const open = new Map(found.filter(isUnanswered).map((attempt) => [attempt.id, attempt]));
    const unanswered = jobs.filter(({ data }) => open.has(data.registrationId));
    if (unanswered.length === 0) return [];
    const emailKeys = [...new Set([...open.values()].map(({ emailKey }) => emailKey))];
    const users = await this.users.findAllByEmail(emailKeys);
    const paced = await this.pace.refusals(emailKeys, 'registrations');
    const refused = unanswered.flatMap((job): Refused[] => {
      const registration = open.get(job.data.registrationId)!;
      const user = users.get(registration.emailKey);
      const reason = user?.disabledAt ? 'account_disabled' : paced.get(registration.emailKey)?.reason;
      return user && reason ? [{ job, registration, user, reason }] : [];
    });
    const settled = refused.length > 0 ? await this.suppressAll(refused) : new Set();
    return unanswered.filter(({ data }) => !settled.has(data.registrationId));
  }

  /** @returns the ids of the attempts that were not answered by others meanwhile */
  private suppressAll(refused: readonly Refused[]): Promise<Set<string>> {
    return this.transactions.run(async () => {
      const ids = new Set(
        await this.registrations.discardUnmailed(refused.map(({ registration: { id } }) => id)),
      );
      const settled = refused.filter(({ registration: { id } }) => ids.has(id));
      await this.events.recordAll(
        settled.map(({ job: { requestId }, registration, user, reason }) => ({
          ...mailedEvent(registration, user, { outcome: 'failure', reason }),
          requestId,
        })),
      );
      return ids;
    });
  }

  private async answer(id: string): Promise<void> {
    const registration = await this.findUnanswered(id);
    if (!registration) return;
    const { id: userId } = await this.provideAccount(registration);
    await this.transactions.run(async () => {
      const user = await this.users.lock(userId);
      if (!user) throw new Error('The account was removed just now; the next try creates it again.');
      // Once more, now that nobody else decides about this address: two workers may hold one job after a lease ran out.
      if (await this.findUnanswered(id)) await this.decide(registration, user);
    });
  }

  /** A job that is tried again after its work was done finds nothing to do. */
  private async findUnanswered(id: string): Promise<Registration | undefined> {
    const registration = await this.registrations.findById(id);
    return registration && isUnanswered(registration) ? registration : undefined;
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
    const refusal = user.disabledAt ? 'account_disabled' : await this.limit(registration);
    if (refusal) return this.suppress(registration, user, refusal);
    if (user.unverifiedSince) await this.sendLink(registration, user, now);
    else await this.sendNotice(registration, user, now);
  }

  private async limit({ emailKey }: Registration): Promise<SuppressionReason | undefined> {
    return (await this.pace.take(emailKey, 'registrations'))?.reason;
  }

  private async sendLink(registration: Registration, user: User, now: Date): Promise<void> {
    await this.registrations.markMailed(registration.id, now, user.id);
    await this.users.renewUnverified(user.id);
    await this.mails.enqueue(verifyEmailMail(registration, this.link));
    await this.record(registration, user, { outcome: 'success', mail: 'verify-email' });
  }

  private async sendNotice(registration: Registration, user: User, now: Date): Promise<void> {
    await this.registrations.markMailed(registration.id, now, null);
    await this.registrations.discard(registration.id);
    await this.mails.enqueue(registrationNoticeMail(registration, user, this.options.requestUrl));
    await this.record(registration, user, { outcome: 'success', mail: 'registration-notice' });
  }

  private async suppress(registration: Registration, user: User, reason: SuppressionReason): Promise<void> {
    await this.registrations.discard(registration.id);
    await this.record(registration, user, { outcome: 'failure', reason });
  }

  private record(...about: Parameters<typeof mailedEvent>): Promise<void> {
    return this.events.record(mailedEvent(...about));
  }
}

/** Whether nothing has gone out about an attempt, and it is not discarded either. */
function isUnanswered({ passwordHash, mailedAt }: Registration): boolean {
  return !!passwordHash && !mailedAt;
}

function mailedEvent(
  { id: registrationId }: Registration,
  { id: userId, email }: User,
  { outcome, ...details }: { outcome: 'success'; mail: string } | { outcome: 'failure'; reason: string },
): SecurityEvent {
  return { act: 'registration_mailed', outcome, userId, email, details: { registrationId, ...details } };
}
