import { CanActivate, ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { UnauthenticatedError } from '../common';
import { AuthenticatedRequest, IS_PUBLIC } from '../http';
import { AuthService } from './auth.service';

interface RequestWithHeaders extends AuthenticatedRequest {
  headers: { authorization?: string };
}

/** Requests that have passed. Where this guard is on all routes and on a controller too, the session is checked once. */
const passed = new WeakSet<object>();

/** @returns the access token of an `Authorization` header (RFC 6750, section 2.1) */
export function bearerToken(authorization: string | undefined): string | undefined {
  return /^Bearer ([\w.~+/=-]+)$/i.exec(authorization ?? '')?.[1];
}

/**
 * Lets a request pass if it has a live access token or its route is marked `@Public()`. The ready server registers it for
 * all routes; a host may do the same, or use it on single controllers.
 */
@Injectable()
export class AuthGuard implements CanActivate {
  constructor(
    private readonly auth: AuthService,
    private readonly reflector: Reflector,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (this.reflector.getAllAndOverride<boolean>(IS_PUBLIC, [context.getHandler(), context.getClass()]))
      return true;
    const request = context.switchToHttp().getRequest<RequestWithHeaders>();
    if (passed.has(request)) return true;
    const token = bearerToken(request.headers.authorization);
    const authenticated = token && (await this.auth.authenticate(token));
    if (!authenticated) throw new UnauthenticatedError();
    request.authenticated = authenticated;
    passed.add(request);
    return true;
  }
}
