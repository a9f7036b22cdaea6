import { IsOptional } from 'class-validator';
import { BOUNDS, IsRedisUrl, IsWholeNumber } from '../common';

/** How many requests are allowed. */
export class LimitsOptions {
  /** Requests of one source to each public action in a minute; 0 for no limit. */
  @IsWholeNumber(...BOUNDS.limitPerMinute)
  perMinute = 20;
  /** The same in an hour, against slow floods; 0 for no limit. Default: ten times {@link perMinute}. */
  @IsOptional()
  @IsWholeNumber(...BOUNDS.limitPerHour)
  perHour?: number;
  /** `redis://...` to count in Redis; the default is PostgreSQL. */
  @IsOptional()
  @IsRedisUrl()
  redisUrl?: string;
}
