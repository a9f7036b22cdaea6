import { Module } from '@nestjs/common';
import { Clock, configurableModule, SystemClock } from '../common';
import { TypeOrmTransactions } from '../database';
import { Housekeeping } from '../jobs';
import { Counters } from './counters';
import { LimitsOptions } from './limits.options';
import { PostgresCounters } from './postgres-counters';
import { RateLimiter } from './rate-limiter';
import { SharedRateLimiter } from './shared-rate-limiter';

const { ConfigurableModuleClass, optionsProvider } = configurableModule(LimitsOptions);

/** Limits that all instances share. An option of 0 switches its limit off. Port to replace: {@link RateLimiter}. */
@Module({
  providers: [
    optionsProvider,
    {
      provide: Counters,
      inject: [
        LimitsOptions,
        { token: TypeOrmTransactions, optional: true },
        { token: Clock, optional: true },
        { token: Housekeeping, optional: true },
      ],
      useFactory: createCounters,
    },
    { provide: RateLimiter, useClass: SharedRateLimiter },
  ],
  exports: [RateLimiter, LimitsOptions],
})
export class LimitsModule extends ConfigurableModuleClass {}

async function createCounters(
  { redisUrl }: LimitsOptions,
  transactions?: TypeOrmTransactions,
  clock: Clock = new SystemClock(),
  housekeeping?: Housekeeping,
): Promise<Counters> {
  if (redisUrl) {
    // Its client is loaded where it is used only: that costs each start 25 ms.
    const { RedisCounters } = await import('./redis-counters');
    return new RedisCounters(redisUrl);
  }
  if (transactions) return new PostgresCounters(transactions, clock, housekeeping);
  throw new Error('LimitsModule counts in PostgreSQL: import DatabaseModule, or give it a redisUrl.');
}
