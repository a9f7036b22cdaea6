import {
  applyDecorators,
  CanActivate,
  ExecutionContext,
  Injectable,
  Optional,
  SetMetadata,
  UseGuards,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { RequestSource, SecurityEvents } from '../common';
import { ApiProblems, requestSource } from '../http';
import { LimiterUnavailableError, RateLimitedError } from './limits.errors';
import { LimitsOptions } from './limits.options';
import { Counter, limitsMissing, LimitVerdict, RateLimiter } from './rate-limiter';
import { Refusals } from './refusals';
import { networkKey, sourceKey } from './source-key';

const ACTION = 'latchkey:limited-action';
const SECONDS_PER_MINUTE = 60;
const SECONDS_PER_HOUR = 3600;
/** The default limit of an hour, as a multiple of the limit of a minute. */
export const HOURLY_LIMIT_FACTOR = 10;
/**
 * The limit of a network (an IPv6 /48), as a multiple of the limit of a source. The network of one customer has thousands of
 * sources; that of a mobile carrier has thousands of customers, who must not be locked out by a few.
 */
export const NETWORK_LIMIT_FACTOR = 50;

/** Counts requests of one source to one action, on all its routes. */
@Injectable()
export class SourceLimitGuard implements CanActivate {
  private readonly refusals = new Refusals();

  constructor(
    private readonly reflector: Reflector,
    private readonly events: SecurityEvents,
    @Optional() private readonly limiter: RateLimiter = limitsMissing(),
    @Optional() private readonly options: LimitsOptions = limitsMissing(),
  ) {}

  /** @throws RateLimitedError, LimiterUnavailableError */
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const source = requestSource(context.switchToHttp().getRequest());
    const action = this.reflector.get<string>(ACTION, context.getHandler());
    const counters = this.countersOf(action, source.ip);
    const waits = counters.map((counter) => this.refusals.retryAfterSeconds(nameOf(counter)) ?? 0);
    const longest = Math.max(0, ...waits);
    if (longest > 0) throw new RateLimitedError(longest);
    const verdicts = await this.limiter.consumeInOrder(counters);
    const last = verdicts.at(-1);
    if (last && !last.allowed) await this.refuse(counters[verdicts.length - 1]!, last, source);
    return true;
  }

  /** In the order in which they count: what the limit of a minute refuses must not use up the limit of a network. */
  private countersOf(action: string, ip: string): Counter[] {
    const { perMinute, perHour = HOURLY_LIMIT_FACTOR * perMinute } = this.options;
    const counters = (kind: string, key: string, factor = 1) => [
      { limit: { name: `${kind}-${action}`, events: factor * perMinute, seconds: SECONDS_PER_MINUTE }, key },
      { limit: { name: `${kind}-hour-${action}`, events: factor * perHour, seconds: SECONDS_PER_HOUR }, key },
    ];
    const network = networkKey(ip);
    return [
      ...counters('source', sourceKey(ip)),
      ...(network === undefined ? [] : counters('network', network, NETWORK_LIMIT_FACTOR)),
    ].filter(({ limit }) => limit.events > 0);
  }

  /** @throws RateLimitedError */
  private async refuse(counter: Counter, verdict: LimitVerdict, source: RequestSource): Promise<never> {
    const { isFirstBeyond, retryAfterSeconds } = verdict;
    this.refusals.add(nameOf(counter), retryAfterSeconds);
    // Once per window: a flood of requests must not become a flood of events.
    if (isFirstBeyond) {
      const details = { limit: counter.limit.name };
      await this.events.record({ act: 'limit_exceeded', outcome: 'failure', source, details });
    }
    throw new RateLimitedError(retryAfterSeconds);
  }
}

function nameOf({ limit, key }: Counter): string {
  return `${limit.name} ${key}`;
}

/**
 * Limits the requests of one source to a route. Routes with the same action, such as a page and the API, share one counter.
 * Put it below the decorators of other guards: Nest runs the guards of the lowest one first.
 */
export function LimitPerSource(action: string): MethodDecorator {
  return applyDecorators(
    SetMetadata(ACTION, action),
    UseGuards(SourceLimitGuard),
    ApiProblems(new RateLimitedError(3600), new LimiterUnavailableError()),
  );
}
