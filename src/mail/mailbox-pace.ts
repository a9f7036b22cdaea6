import { Injectable, OnModuleInit } from '@nestjs/common';
import { Clock, digest, mailboxKey, secondsAfter } from '../common';
import { Housekeeping } from '../jobs';
import { MailOptions } from './mail.options';
import { LatestMails, MailboxPaceStore, TypedAddressMail } from './mailbox-pace-store';

const SECONDS_PER_HOUR = 3600;
/** Mails that a mailbox gets in an hour with no more than the cool-down between them. */
const QUICK_MAILS = 2;

/** A mailbox has got enough mails for now. */
export interface MailboxRefusal {
  reason: 'cooldown' | 'mailbox_paced';
  /** Seconds until the mailbox may get one. */
  retryAfterSeconds: number;
}

/**
 * How often one mailbox gets mails that anybody can cause by typing its address: the first two of an hour a cool-down apart,
 * further ones with a longer gap, never none. Sub-addresses (`name+tag@`) share the pace of their mailbox; that is for this
 * pace only, accounts stay different (RFC 5233).
 */
@Injectable()
export class MailboxPace implements OnModuleInit {
  constructor(
    private readonly store: MailboxPaceStore,
    private readonly housekeeping: Housekeeping,
    private readonly clock: Clock,
    private readonly options: MailOptions,
  ) {}

  onModuleInit(): void {
    this.housekeeping.register('paces of mailboxes', () => this.store.deleteExpired(this.forgottenFrom()));
  }

  /**
   * Counts a mail that is about to be queued, in the transaction under way.
   * @returns why there must be none now; `undefined` where there may, which is then counted
   */
  async take(emailKey: string, kind: TypedAddressMail): Promise<MailboxRefusal | undefined> {
    const [mailbox, now] = [digest(mailboxKey(emailKey)), this.clock.now()];
    const latest = await this.store.lock(mailbox, now);
    const refusal = this.refusal(latest, kind, now);
    if (refusal) return refusal;
    await this.store.save(mailbox, { ...latest, [kind]: [now, ...latest[kind]].slice(0, QUICK_MAILS) });
    return undefined;
  }

  /**
   * As {@link take} for many addresses at once, of which it counts none.
   * @returns those whose mailbox gets none now; one that is missing here may be refused by {@link take} all the same
   */
  async refusals(emailKeys: readonly string[], kind: TypedAddressMail): Promise<Map<string, MailboxRefusal>> {
    const now = this.clock.now();
    const mailboxes = new Map(emailKeys.map((key) => [key, digest(mailboxKey(key))]));
    const latest = await this.store.findAll([...new Set(mailboxes.values())]);
    const refusals = new Map<string, MailboxRefusal>();
    for (const [emailKey, mailbox] of mailboxes) {
      const mails = latest.get(mailbox);
      const refusal = mails && this.refusal(mails, kind, now);
      if (refusal) refusals.set(emailKey, refusal);
    }
    return refusals;
  }

  private refusal(latest: LatestMails, kind: TypedAddressMail, now: Date): MailboxRefusal | undefined {
    const { mailboxCooldownSeconds, mailboxSpacingSeconds } = this.options;
    const all = [...latest.registrations, ...latest.changes].sort((a, b) => b.getTime() - a.getTime());
    // Registrations need no account: a flood of them must not hold up somebody signed in for longer than the cool-down.
    const spacing = kind === 'changes' ? latest.changes : all;
    const isSpaced =
      (spacing[QUICK_MAILS - 1]?.getTime() ?? 0) > secondsAfter(now, -SECONDS_PER_HOUR).getTime();
    const waits = [
      { reason: 'mailbox_paced', last: isSpaced ? spacing[0] : undefined, gap: mailboxSpacingSeconds },
      { reason: 'cooldown', last: all[0], gap: mailboxCooldownSeconds },
    ] as const;
    for (const { reason, last, gap } of waits) {
      const retryAfterSeconds = last ? gap - (now.getTime() - last.getTime()) / 1000 : 0;
      if (retryAfterSeconds > 0) return { reason, retryAfterSeconds };
    }
    return undefined;
  }

  private forgottenFrom(): Date {
    const { mailboxCooldownSeconds, mailboxSpacingSeconds } = this.options;
    const seconds = Math.max(SECONDS_PER_HOUR, mailboxCooldownSeconds, mailboxSpacingSeconds);
    return secondsAfter(this.clock.now(), -seconds);
  }
}
