import {
  CanActivate,
  ExecutionContext,
  ForbiddenException,
  Injectable,
  UnsupportedMediaTypeException,
} from '@nestjs/common';
import { Csrf, CSRF_FIELD } from './csrf';
import { comesFromOwnOrigin } from './own-origin';
import type { PageRequest } from './page-request';
import { PageSessions } from './page-sessions';
import { PagesOptions } from './pages.options';

/** Finds out who is signed in, and lets a form through only when it is one of our own. */
@Injectable()
export class PageGuard implements CanActivate {
  constructor(
    private readonly sessions: PageSessions,
    private readonly csrf: Csrf,
    private readonly options: PagesOptions,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<PageRequest>();
    const changesNothing = request.method === 'GET' || request.method === 'HEAD';
    if (!changesNothing) this.demandOwnForm(request);
    request.authenticated = await this.sessions.find(request);
    if (!changesNothing && !this.csrf.verify(request, csrfField(request.body)))
      throw new ForbiddenException();
    return true;
  }

  private demandOwnForm({ headers }: PageRequest): void {
    if (!comesFromOwnOrigin(headers, this.options.publicUrl)) throw new ForbiddenException();
    const type = headers['content-type'] ?? '';
    if (!/^application\/x-www-form-urlencoded\s*(;|$)/i.test(type)) throw new UnsupportedMediaTypeException();
  }
}

function csrfField(body: unknown): unknown {
  return (body as Record<string, unknown> | null | undefined)?.[CSRF_FIELD];
}
