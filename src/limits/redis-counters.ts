import { Logger, OnApplicationShutdown, OnModuleInit } from '@nestjs/common';
import { Redis } from 'ioredis';
import { once } from 'node:events';
import { RateLimiterRedis } from 'rate-limiter-flexible';
import { Counters, UNUSED } from './counters';

/** Milliseconds for a connection. */
const PATIENCE_MS = 1_500;
const LONGEST_RETRY_MS = 2_000;

/** Counters in Redis, under `latchkey:limits:...`. How well they survive a restart of it is its own matter. */
export class RedisCounters extends Counters implements OnModuleInit, OnApplicationShutdown {
  readonly limiter;
  private readonly redis: Redis;

  /** @param url `redis://` or `rediss://` */
  constructor(url: string) {
    super();
    this.redis = new Redis(url, {
      lazyConnect: true,
      connectTimeout: PATIENCE_MS,
      retryStrategy: (tries) => Math.min(tries * 100, LONGEST_RETRY_MS),
      // While it is away, requests are refused at once and nothing is counted later: a count that comes too late
      // belongs to nobody.
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      disableClientInfo: true,
      // The library waits this long even for a connection that is closed already, and the process with it.
      disconnectTimeout: 100,
    });
    // Each command that fails tells of it; without a listener an error of the connection would end the process.
    this.redis.on('error', () => undefined);
    this.limiter = new RateLimiterRedis({
      ...UNUSED,
      storeClient: this.redis,
      keyPrefix: 'latchkey:limits',
    });
  }

  /** A connection whose other end has vanished would otherwise be waited for until TCP gives up. */
  override reconnect(): void {
    this.redis.stream.destroy();
  }

  async onModuleInit(): Promise<void> {
    const ready = once(this.redis, 'ready', { signal: AbortSignal.timeout(PATIENCE_MS) });
    void this.redis.connect().catch(() => undefined);
    try {
      await ready;
    } catch {
      new Logger('Limits').error('REDIS_URL: no answer yet. Until there is one, what is limited is refused.');
    }
  }

  /** In the last phase: jobs under way still count their mails. */
  onApplicationShutdown(): void {
    this.redis.disconnect();
  }
}
