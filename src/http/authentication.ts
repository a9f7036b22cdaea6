import { createParamDecorator, ExecutionContext, SetMetadata } from '@nestjs/common';
import { UnauthenticatedError } from '../common';

export const IS_PUBLIC = 'latchkey:public';

/** Decorator of a route or a controller: open to everybody, the authentication guard lets requests pass. */
export const Public = () => SetMetadata(IS_PUBLIC, true);

/** What the authentication guard adds to a request. */
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
