import { BOUNDS, IsWholeNumber } from '../common';

/** How long the record of what happened is kept. */
export class AuditOptions {
  /** Older events are removed, within the hour. */
  @IsWholeNumber(...BOUNDS.auditRetentionDays)
  retentionDays = 365;
}
