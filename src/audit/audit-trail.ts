import type { RecordedSecurityEvent, SecurityAct } from '../common';

/** An event as it is kept. */
export interface AuditEvent extends RecordedSecurityEvent {
  /** A UUID; an event that is written twice is kept once. */
  id: string;
}

/** Which events to find: those that match everything that is given. */
export interface AuditQuery {
  /** Events of this account and of every request with one of them: a request for a link does not know its account yet. */
  userId?: string;
  requestId?: string;
  act?: SecurityAct;
  /** Events about any of these mails. */
  mailIds?: readonly string[];
  /** Events of this moment and later. */
  since?: Date;
  /** At most this many. */
  limit: number;
}

/** Where the record of what happened is kept. Default: the table `latchkey.audit_events`. */
export abstract class AuditTrail {
  /** Adds events, in the current transaction if there is one. An event that is stored already stays as it is. */
  abstract append(events: readonly AuditEvent[]): Promise<void>;

  /** @returns events that match, latest first */
  abstract find(query: AuditQuery): Promise<AuditEvent[]>;

  /**
   * Deletes events from before a moment. The moment is at least 24 hours ago; a store may keep younger events whatever the
   * moment, so that nobody removes the record of what they have just done.
   * @returns how many
   */
  abstract deleteExpired(before: Date): Promise<number>;
}
