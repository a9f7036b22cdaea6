import { Logger, OnApplicationShutdown, OnModuleInit } from '@nestjs/common';
import { Redis } from 'ioredis';
import { once } from 'node:events';
import { Count, Counters, StoredCounter } from './counters';

const CONNECT_TIMEOUT_MS = 1_500;
const LONGEST_RETRY_MS = 2_000;
const KEY_PREFIX = 'latchkey:limits:';

/** The arguments are the limit and the window, in milliseconds, of each key. */
const COUNT = `
local counts = {}
for i, key in ipairs(KEYS) do
  local events = redis.call('incr', key)
  local left = redis.call('pttl', key)
  if left < 0 then
    left = tonumber(ARGV[2 * i])
    redis.call('pexpire', key, left)
  end
  counts[i] = { events, left }
  if events > tonumber(ARGV[2 * i - 1]) then break end
end
return counts`;
const REFUND = `
local events = math.min(tonumber(redis.call('get', KEYS[1]) or 0), tonumber(ARGV[1]))
if events > 0 then redis.call('decrby', KEYS[1], events) end`;

/** Counters in Redis, under `latchkey:limits:...`. Whether they survive its restart depends on its persistence. */
export class RedisCounters extends Counters implements OnModuleInit, OnApplicationShutdown {
  private readonly redis: Redis;

  /** @param url `redis://` or `rediss://` */
  constructor(url: string) {
    super();
    this.redis = new Redis(url, {
      lazyConnect: true,
      connectTimeout: CONNECT_TIMEOUT_MS,
      retryStrategy: (tries) => Math.min(tries * 100, LONGEST_RETRY_MS),
      // During an outage requests are refused at once, and nothing is counted later.
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      disableClientInfo: true,
      // The library waits this long even for a closed connection, and the process with it.
      disconnectTimeout: 100,
    });
    // Each failing command reports it; without a listener an error of the connection would end the process.
    this.redis.on('error', () => undefined);
  }

  async count(counters: StoredCounter[]): Promise<Count[]> {
    const keys = counters.map(({ storedKey }) => KEY_PREFIX + storedKey);
    const limits = counters.flatMap(({ limit }) => [limit.events, limit.seconds * 1000]);
    const counts = (await this.redis.eval(COUNT, keys.length, ...keys, ...limits)) as [number, number][];
    return counts.map(([events, msLeft]) => ({ events, msLeft }));
  }

  async refund(storedKey: string, events: number): Promise<void> {
    await this.redis.eval(REFUND, 1, KEY_PREFIX + storedKey, events);
  }

  async clear(storedKey: string): Promise<void> {
    await this.redis.del(KEY_PREFIX + storedKey);
  }

  /** Otherwise a connection whose other end has vanished would be awaited until TCP gives up. */
  override reconnect(): void {
    this.redis.stream.destroy();
  }

  async onModuleInit(): Promise<void> {
    const ready = once(this.redis, 'ready', { signal: AbortSignal.timeout(CONNECT_TIMEOUT_MS) });
    void this.redis.connect().catch(() => undefined);
    try {
      await ready;
    } catch {
      new Logger('Limits').error('REDIS_URL: no answer yet. Until there is one, what is limited is refused.');
    }
  }

  /** In the last phase: running jobs still count their mails. */
  onApplicationShutdown(): void {
    this.redis.disconnect();
  }
}
