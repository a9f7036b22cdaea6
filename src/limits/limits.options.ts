/** How much is let through. */
export class LimitsOptions {
  /** Requests of one source to each public action in a minute; 0 for any number. */
  perMinute = 20;
  /** `redis://...` for counters in Redis; without it they are in PostgreSQL. */
  redisUrl?: string;
}
