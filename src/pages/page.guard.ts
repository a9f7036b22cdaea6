import {
  CanActivate,
  ExecutionContext,
  ForbiddenException,
  HttpException,
  Injectable,
  Logger,
  UnsupportedMediaTypeException,
} from '@nestjs/common';
import { Clock, SampledEvents, secondsAfter } from '../common';
import { requestSource } from '../http';
import { Csrf, CSRF_FIELD } from './csrf';
import { StaleFormError, WrongAddressError } from './form-refusal';
import { comesFromOwnOrigin, otherOwnOrigin } from './own-origin';
import type { FormPage, PageRequest } from './page-request';
import { PageSessions } from './page-sessions';
import { PagesOptions } from './pages.options';

const SECONDS_BETWEEN_WARNINGS = 60;

/** Why a form is refused before its token is checked, and the error that follows. */
const REFUSALS: Record<'origin' | 'address' | 'media_type', () => HttpException> = {
  origin: () => new ForbiddenException(),
  address: () => new WrongAddressError(),
  media_type: () => new UnsupportedMediaTypeException(),
};

/** Finds out who is signed in, and refuses forms that are not our own. */
@Injectable()
export class PageGuard implements CanActivate {
  private readonly logger = new Logger('Pages');
  private nextWarning = new Date(0);

  constructor(
    private readonly sessions: PageSessions,
    private readonly csrf: Csrf,
    private readonly events: SampledEvents,
    private readonly clock: Clock,
    private readonly options: PagesOptions,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<PageRequest>();
    request.page = context.getClass<FormPage>();
    const changesNothing = request.method === 'GET' || request.method === 'HEAD';
    if (!changesNothing) await this.assertOwnForm(request);
    request.authenticated = await this.sessions.find(request);
    if (!changesNothing && !this.csrf.verify(request, csrfField(request.body))) {
      // Showing the form again may read the database, so it happens only as often as a refusal is recorded.
      if (!(await this.record(request, 'token'))) throw new ForbiddenException();
      throw new StaleFormError();
    }
    return true;
  }

  private async assertOwnForm(request: PageRequest): Promise<void> {
    if (!comesFromOwnOrigin(request.headers, this.options.publicUrl)) {
      const other = otherOwnOrigin(request.headers);
      if (other !== undefined) this.warnAbout(other);
      await this.refuse(request, other === undefined ? 'origin' : 'address');
    }
    const type = request.headers['content-type'] ?? '';
    if (!/^application\/x-www-form-urlencoded\s*(;|$)/i.test(type)) await this.refuse(request, 'media_type');
  }

  private async refuse(request: PageRequest, reason: keyof typeof REFUSALS): Promise<never> {
    await this.record(request, reason);
    throw REFUSALS[reason]();
  }

  /** @returns whether it was among the first of its source in this minute, which are recorded */
  private record(request: PageRequest, reason: keyof typeof REFUSALS | 'token'): Promise<boolean> {
    return this.events.record({
      act: 'form_refused',
      outcome: 'failure',
      userId: request.authenticated?.user.id,
      source: requestSource(request),
      // The route, never the path: that may hold a token.
      details: { reason, route: request.routeOptions.url ?? 'unknown' },
    });
  }

  private warnAbout(origin: string): void {
    const now = this.clock.now();
    if (now < this.nextWarning) return;
    this.nextWarning = secondsAfter(now, SECONDS_BETWEEN_WARNINGS);
    this.logger.warn(
      `Forms are refused at ${origin}, since PUBLIC_URL is ${this.options.publicUrl}: open that address, or change PUBLIC_URL.`,
    );
  }
}

function csrfField(body: unknown): unknown {
  return (body as Record<string, unknown> | null | undefined)?.[CSRF_FIELD];
}
