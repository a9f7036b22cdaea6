import { Injectable } from '@nestjs/common';
import { isUUID } from 'class-validator';
import { SecurityEvents } from '../common';

/** What became of a mail after the mail server had taken it over. */
export interface DeliveryReport {
  /** Of the mail: the part of its `Message-ID` before the `@`. */
  mailId: string;
  /** `delivered` to the mailbox, `delayed` on the way, `bounced` for good, or `complained` about by the recipient. */
  outcome: 'delivered' | 'delayed' | 'bounced' | 'complained';
  /** Enhanced status code (RFC 3463), such as `5.1.1`, where there is one. */
  status?: string;
}

const STATUS = /^[245]\.\d{1,3}\.\d{1,3}$/;
const MAIL_ID = /^[\w-]{1,64}$/;

/** @param mailId a UUID, which may be that of any mail */
type BounceListener = (mailId: string) => Promise<void>;

/**
 * Where a host says what it hears of mails that have left: from the webhook of a mail provider, or from a mailbox of
 * delivery status notifications (RFC 3464). It becomes part of the record of events, and so of the timeline; no mail is
 * ever sent because of it (RFC 3834, section 2).
 */
@Injectable()
export class DeliveryFeedback {
  private readonly bounceListeners: BounceListener[] = [];

  constructor(private readonly events: SecurityEvents) {}

  /** Registers what must happen when a mail is reported as bounced for good. */
  onBounce(listener: BounceListener): void {
    this.bounceListeners.push(listener);
  }

  /** @throws Error for what cannot be the id of a mail of ours, or is no status code; texts of others are not kept */
  async report({ mailId, outcome, status }: DeliveryReport): Promise<void> {
    if (!MAIL_ID.test(mailId)) throw new Error('"mailId" is the part of a Message-ID before the @.');
    if (status !== undefined && !STATUS.test(status)) throw new Error('"status" is a code such as 5.1.1.');
    const failed = outcome === 'bounced' || outcome === 'complained';
    await this.events.record({
      act: 'mail_reported',
      outcome: failed ? 'failure' : 'success',
      details: { mailId, report: outcome, ...(status !== undefined && { status }) },
    });
    if (outcome !== 'bounced' || !isUUID(mailId)) return;
    for (const listener of this.bounceListeners) await listener(mailId);
  }
}
