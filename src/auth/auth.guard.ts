import { CanActivate, ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { AuthenticatedRequest, IS_PUBLIC, UnauthenticatedError } from '../common';
import { AuthService } from './auth.service';

interface RequestWithHeaders extends AuthenticatedRequest {
  headers: { authorization?: string };
}

/**
 * Lets only requests with a live access token pass, and those to routes marked `@Public()`. Our application registers it
 * for all routes; a host may do the same or put it on single controllers.
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
    const token = /^Bearer ([\w.~+/=-]+)$/i.exec(request.headers.authorization ?? '')?.[1];
    const authenticated = token && (await this.auth.authenticate(token));
    if (!authenticated) throw new UnauthenticatedError();
    request.authenticated = authenticated;
    return true;
  }
}
