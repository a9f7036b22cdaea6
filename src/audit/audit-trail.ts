import type { RecordedSecurityEvent, SecurityAct } from '../common';

/** An event as it is kept. */
export interface AuditEvent extends RecordedSecurityEvent {
  /** A UUID; an event that is written twice is kept once. */
  id: string;
}

/** Which events are looked for: those to which everything applies that is given. */
export interface AuditQuery {
  /** Events of this account, and of every request in which there is one: an ask does not know yet whose it is. */
  userId?: string;
  requestId?: string;
  act?: SecurityAct;
  /** Events about any of these mails. */
  mailIds?: readonly string[];
  /** Events of this moment and later. */
  since?: Date;
  /** How many at most. */
  limit: number;
}

/** Where the record of what happened is kept. Default: the table `latchkey.audit_events`. */
export abstract class AuditTrail {
  /** Adds events, in the transaction under way where there is one. What is there already stays as it is. */
  abstract append(events: readonly AuditEvent[]): Promise<void>;

  /** @returns events that match, latest first */
  abstract find(query: AuditQuery): Promise<AuditEvent[]>;

  /** Removes up to `limit` events that are older than a moment. @returns how many it has removed */
  abstract deleteBefore(moment: Date, limit: number): Promise<number>;
}
