export { FlexibleRateLimiter } from './flexible-rate-limiter';
export { LimitPerSource, SourceLimitGuard } from './limit-per-source';
export { LimiterUnavailableError, RateLimitedError } from './limit.errors';
export { LimitsCheckModule } from './limits-check.module';
export { LimitsModule } from './limits.module';
export { LimitsOptions } from './limits.options';
export { MemoryCounters } from './counters';
export { RateLimiter, type Limit, type LimitVerdict } from './rate-limiter';
export { sourceKey } from './source-key';
