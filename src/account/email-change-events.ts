import { Injectable } from '@nestjs/common';
import { RequestSource, SecurityAct, SecurityEvent, SecurityEvents } from '../common';
import type { EmailChange } from './email-change-store';

/** Records what happens to a change of address. */
@Injectable()
export class EmailChangeEvents {
  constructor(private readonly events: SecurityEvents) {}

  /** Records a success, or with a `reason` a failure. @param source where what happens is no request of anybody, none */
  record(
    act: SecurityAct,
    change: EmailChange,
    source: RequestSource | undefined,
    details: NonNullable<SecurityEvent['details']> = {},
  ): Promise<void> {
    const outcome = 'reason' in details ? 'failure' : 'success';
    return this.events.record({ act, outcome, source, ...aboutChange(change, details) });
  }
}

/** Whose change of address an event is about. */
export function aboutChange({ id, userId, email }: EmailChange, details: SecurityEvent['details'] = {}) {
  return { userId, email, details: { changeId: id, ...details } };
}
