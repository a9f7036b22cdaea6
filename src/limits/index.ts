export {
  LimitPerSource,
  HOURLY_LIMIT_FACTOR,
  SourceLimitGuard,
  NETWORK_LIMIT_FACTOR,
} from './limit-per-source';
export { LimiterUnavailableError, RateLimitedError } from './limits.errors';
export { LimitsModule } from './limits.module';
export { LimitsOptions } from './limits.options';
export {
  limitsMissing,
  RateLimiter,
  type Counter,
  type Limit,
  type LimitVerdict,
  type Reservation,
} from './rate-limiter';
export { REPEATED_CONFIRMATIONS, RepeatedConfirmations } from './repeated-confirmations';
export { sourceKey } from './source-key';
