export { LimitPerSource, SourceLimitGuard } from './limit-per-source';
export { LimitsModule } from './limits.module';
export { LimitsOptions } from './limits.options';
export { RateLimiter, type Limit, type LimitVerdict } from './rate-limiter';
