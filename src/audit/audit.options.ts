/** How long the record of what happened is kept. */
export class AuditOptions {
  retentionDays = 365;
}
