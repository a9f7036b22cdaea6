import {
  CanActivate,
  ExecutionContext,
  ForbiddenException,
  HttpException,
  Injectable,
  UnsupportedMediaTypeException,
} from '@nestjs/common';
import { requestSource, SecurityEvents } from '../common';
import { Csrf, CSRF_FIELD } from './csrf';
import { comesFromOwnOrigin } from './own-origin';
import type { PageRequest } from './page-request';
import { PageSessions } from './page-sessions';
import { PagesOptions } from './pages.options';
import { ToldRefusals } from './told-refusals';

/** Finds out who is signed in, and lets a form through only when it is one of our own. */
@Injectable()
export class PageGuard implements CanActivate {
  constructor(
    private readonly sessions: PageSessions,
    private readonly csrf: Csrf,
    private readonly events: SecurityEvents,
    private readonly toldRefusals: ToldRefusals,
    private readonly options: PagesOptions,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<PageRequest>();
    const changesNothing = request.method === 'GET' || request.method === 'HEAD';
    if (!changesNothing) await this.demandOwnForm(request);
    request.authenticated = await this.sessions.find(request);
    if (!changesNothing && !this.csrf.verify(request, csrfField(request.body))) {
      await this.refuse(request, 'token', new ForbiddenException());
    }
    return true;
  }

  private async demandOwnForm(request: PageRequest): Promise<void> {
    if (!comesFromOwnOrigin(request.headers, this.options.publicUrl)) {
      await this.refuse(request, 'origin', new ForbiddenException());
    }
    const type = request.headers['content-type'] ?? '';
    if (!/^application\/x-www-form-urlencoded\s*(;|$)/i.test(type)) {
      await this.refuse(request, 'media_type', new UnsupportedMediaTypeException());
    }
  }

  private async refuse(
    request: PageRequest,
    reason: 'origin' | 'media_type' | 'token',
    error: HttpException,
  ): Promise<never> {
    const source = requestSource(request);
    if (this.toldRefusals.add(source.ip)) {
      await this.events.record({
        act: 'form_refused',
        outcome: 'failure',
        userId: request.authenticated?.user.id,
        source,
        // The route and never the path, which may hold a token.
        details: { reason, route: request.routeOptions.url ?? 'unknown' },
      });
    }
    throw error;
  }
}

function csrfField(body: unknown): unknown {
  return (body as Record<string, unknown> | null | undefined)?.[CSRF_FIELD];
}
