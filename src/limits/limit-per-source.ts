import {
  CanActivate,
  ExecutionContext,
  Injectable,
  Optional,
  SetMetadata,
  applyDecorators,
  UseGuards,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { RateLimiter } from './rate-limiter';

const ACTION = 'latchkey:limited-action';

/** Counts requests of one source to one action, whichever route they come by. */
@Injectable()
export class SourceLimitGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    @Optional() private readonly limiter?: RateLimiter,
  ) {}

  canActivate(context: ExecutionContext): boolean {
    const action = this.reflector.get<string>(ACTION, context.getHandler());
    return action !== undefined && this.limiter === undefined;
  }
}

/**
 * Method decorator: limits the requests of one source. Routes with the same action share one counter, so that a page and
 * the API are not two tries.
 */
export function LimitPerSource(action: string): MethodDecorator {
  return applyDecorators(SetMetadata(ACTION, action), UseGuards(SourceLimitGuard));
}
