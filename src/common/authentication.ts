import { createParamDecorator, ExecutionContext, SetMetadata } from '@nestjs/common';
import { UnauthenticatedError } from './api-error';

export const IS_PUBLIC = 'latchkey:public';

/** Opens a route, or every route of a controller, to everybody: the authentication guard lets it pass. */
export const Public = () => SetMetadata(IS_PUBLIC, true);

/** What the authentication guard leaves on a request. */
export interface Authenticated<User = unknown> {
  user: User;
  sessionId: string;
}

export interface AuthenticatedRequest<User = unknown> {
  authenticated?: Authenticated<User>;
}

/**
 * Parameter decorator: user and session of the current request.
 * @throws UnauthenticatedError where no guard has run, so that a forgotten guard closes a route instead of opening it
 */
export const CurrentAuthentication = createParamDecorator((_: unknown, context: ExecutionContext) => {
  const { authenticated } = context.switchToHttp().getRequest<AuthenticatedRequest>();
  if (!authenticated) throw new UnauthenticatedError();
  return authenticated;
});
