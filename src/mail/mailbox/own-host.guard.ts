import { CanActivate, ExecutionContext, ForbiddenException, Injectable } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import { isLoopback } from '../../common';

/** A host as browsers write it, and its port. */
const HOST = /^([\w.-]+|\[[\da-f:.]+\])(?::\d+)?$/i;

/**
 * Answers only under a name of this computer. A page of another site that lets its own name lead here (DNS rebinding) is of
 * the same origin as its name, and would read every link; it cannot choose the `Host` that its browser sends.
 */
@Injectable()
export class OwnHostGuard implements CanActivate {
  /** @throws ForbiddenException for any other name */
  canActivate(context: ExecutionContext): boolean {
    const { headers } = context.switchToHttp().getRequest<Pick<IncomingMessage, 'headers'>>();
    const [, host] = HOST.exec(headers.host ?? '') ?? [];
    if (host !== undefined && isLoopback(host)) return true;
    throw new ForbiddenException('The mailbox answers on this computer only, as localhost or 127.0.0.1.');
  }
}
