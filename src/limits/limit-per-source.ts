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
import { ApiProblem, requestSource, SecurityEvents } from '../common';
import { RateLimitedError } from './limit.errors';
import { LimitsOptions } from './limits.options';
import { RateLimiter } from './rate-limiter';
import { Refusals } from './refusals';
import { sourceKey } from './source-key';

const ACTION = 'latchkey:limited-action';
const SECONDS_A_MINUTE = 60;

/**
 * Counts requests of one source to one action, whichever route they come by. Lets everything pass where there is no
 * LimitsModule.
 */
@Injectable()
export class SourceLimitGuard implements CanActivate {
  private readonly refusals = new Refusals();

  constructor(
    private readonly reflector: Reflector,
    private readonly events: SecurityEvents,
    @Optional() private readonly limiter?: RateLimiter,
    // The type is named: without it the decorator metadata says "Object", and nothing is injected.
    @Optional() private readonly options: LimitsOptions = new LimitsOptions(),
  ) {}

  /** @throws RateLimitedError, LimiterUnavailableError */
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const events = this.options.perMinute;
    if (!this.limiter || events === 0) return true;
    const source = requestSource(context.switchToHttp().getRequest());
    const name = `source-${this.reflector.get<string>(ACTION, context.getHandler())}`;
    const key = sourceKey(source.ip);
    const known = this.refusals.retryAfterSeconds(`${name} ${key}`);
    if (known !== undefined) throw new RateLimitedError(known);

    const verdict = await this.limiter.count({ name, events, seconds: SECONDS_A_MINUTE }, key);
    if (verdict.allowed) return true;
    this.refusals.add(`${name} ${key}`, verdict.retryAfterSeconds);
    // Once for a window: a flood of requests must not be one of events.
    if (verdict.isFirstBeyond) {
      await this.events.record({
        act: 'limit_exceeded',
        outcome: 'failure',
        source,
        details: { limit: name },
      });
    }
    throw new RateLimitedError(verdict.retryAfterSeconds);
  }
}

/** The answer as it is described where nothing else is limited. */
const TOO_MANY_REQUESTS = ApiProblem(
  'Too many requests from one address; nothing has been done.',
  new RateLimitedError(60),
);

/**
 * Method decorator: limits the requests of one source. Routes with the same action share one counter, so that a page and
 * the API are not two tries.
 * @param description of the 429, for a route that has another limit with that answer
 */
export function LimitPerSource(
  action: string,
  description: MethodDecorator = TOO_MANY_REQUESTS,
): MethodDecorator {
  return applyDecorators(SetMetadata(ACTION, action), UseGuards(SourceLimitGuard), description);
}
