/** How long the record of what happened is kept. */
export class AuditOptions {
  /** Older events are removed, within the hour. */
  retentionDays = 365;
}
