/** A time for people, in mails and on pages: to the minute, and in UTC, for nobody's time zone is known here. */
export function toMinute(time: Date): string {
  return `${time.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
