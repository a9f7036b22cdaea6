import { Injectable, Logger, Optional } from '@nestjs/common';
import { Clock } from './clock';
import { describeError } from './describe-error';
import { maskEmail } from './email-address';
import { currentRequestId } from './request-id';
import { Transactions } from './transactions';

/** Where a request came from, as far as the server believes it. */
export interface RequestSource {
  ip: string;
  /** What the client calls itself, for people to recognize it by; anything may be in it. */
  userAgent?: string;
}

/** What can happen to an account, or be tried on one. Part of what operators search for: a name is forever. */
export const SECURITY_ACTS = [
  'registration_requested',
  'registration_mailed',
  'registration_opened',
  'registration_verified',
  'login',
  'session_started',
  'session_ended',
  'password_reset_requested',
  'password_reset_mailed',
  'password_reset_opened',
  'password_reset_completed',
  'password_reset_disavowed',
  'password_changed',
  'email_change_requested',
  'email_change_mailed',
  'email_change_opened',
  'email_change_held',
  'email_change_confirmed',
  'email_change_cancelled',
  'email_change_undone',
  'account_disabled',
  'account_enabled',
  'limit_exceeded',
  'form_refused',
  'link_refused',
  'access_refused',
  'request_refused',
  'mail_queued',
  'mail_handed_over',
  'mail_deferred',
  'mail_bounced',
  'mail_given_up',
  'mail_suppressed',
  'mail_reported',
  'mail_retried',
  'mail_dropped',
] as const;

export type SecurityAct = (typeof SECURITY_ACTS)[number];

export interface SecurityEvent {
  act: SecurityAct;
  outcome: 'success' | 'failure';
  userId?: string;
  source?: RequestSource;
  /** The address that was typed or mailed; passed on masked only, see {@link maskEmail}. */
  email?: string;
  /** Codes, ids and numbers; never a secret, never what a person typed. */
  details?: Record<string, string | number | boolean>;
  /** The request that caused it, where that is not the current one. */
  requestId?: string;
}

/** An event as listeners get it: when, in which request, and nothing in it that must not be kept. */
export interface RecordedSecurityEvent extends Omit<SecurityEvent, 'email' | 'source' | 'requestId'> {
  at: Date;
  requestId: string;
  /** Address of the client. */
  source?: string;
  details: Record<string, string | number | boolean>;
}

export type SecurityEventListener = (event: RecordedSecurityEvent) => Promise<void>;

/** As {@link SecurityEventListener}, for events that are recorded together. */
export type SecurityEventsListener = (events: readonly RecordedSecurityEvent[]) => Promise<void>;

/**
 * Where everything is recorded that matters for security (OWASP Logging cheat sheet, ASVS 16.3): one line in the log for
 * each, and a call of every listener. Inside a transaction the listeners run in it.
 */
@Injectable()
export class SecurityEvents {
  private readonly logger = new Logger('Security');
  private readonly listeners: SecurityEventsListener[] = [];
  private readonly failing = new Set<SecurityEventsListener>();

  constructor(
    private readonly clock: Clock,
    @Optional() private readonly transactions?: Transactions,
  ) {}

  /**
   * Adds a listener, such as an audit trail. What it throws fails the act inside whose transaction it runs. Outside of one
   * the act has happened already, and goes on: the log says when a listener begins to fail, and when it works again.
   */
  onEvent(listener: SecurityEventListener): void {
    this.onEvents(async (events) => {
      for (const event of events) await listener(event);
    });
  }

  /** As {@link onEvent}, with all events at once that are recorded together. */
  onEvents(listener: SecurityEventsListener): void {
    this.listeners.push(listener);
  }

  record(event: SecurityEvent): Promise<void> {
    return this.recordAll([event]);
  }

  /** As {@link record}, of several events at once. */
  async recordAll(events: readonly SecurityEvent[]): Promise<void> {
    const recorded = events.map((event) => this.toRecorded(event));
    for (const event of recorded) this.logger.log({ msg: event.act, ...event, at: event.at.toISOString() });
    for (const listener of this.listeners) {
      if (this.transactions?.underWay) await listener(recorded);
      else await this.callAnyway(listener, recorded);
    }
  }

  private toRecorded({ email, source, details = {}, ...event }: SecurityEvent): RecordedSecurityEvent {
    return {
      ...event,
      at: this.clock.now(),
      requestId: event.requestId ?? currentRequestId(),
      ...(source && { source: plain(source.ip) }),
      details: plainValues(email === undefined ? details : { ...details, email: maskEmail(email) }),
    };
  }

  private async callAnyway(
    listener: SecurityEventsListener,
    events: readonly RecordedSecurityEvent[],
  ): Promise<void> {
    try {
      await listener(events);
      if (this.failing.delete(listener)) this.logger.log('a listener that failed takes events again');
    } catch (error) {
      if (!this.failing.has(listener)) this.logger.error(`a listener misses events: ${describeError(error)}`);
      this.failing.add(listener);
    }
  }
}

const LONGEST_TEXT = 300;

function plainValues(details: SecurityEvent['details'] = {}): RecordedSecurityEvent['details'] {
  const entries = Object.entries(details);
  return Object.fromEntries(
    entries.map(([name, value]) => [name, typeof value === 'string' ? plain(value) : value]),
  );
}

/**
 * Of a typed address the domain is kept, and anything may be in it: line ends and terminal codes that forge a log
 * (CWE-117), text that runs the other way, characters that no jsonb takes.
 */
function plain(text: string): string {
  return text.slice(0, LONGEST_TEXT).replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '?');
}
