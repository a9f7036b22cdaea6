import { CallHandler, ExecutionContext, Injectable, NestInterceptor } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { catchError, Observable, of } from 'rxjs';
import { UnauthenticatedError } from '../common';
import type { PageRequest } from './page-request';
import { Pages } from './pages';

/**
 * Sends those who are not signed in to the login: the page shows or changes an account. Those too whose session ends
 * while the request is under way.
 */
@Injectable()
export class SignedInOnly implements NestInterceptor {
  constructor(private readonly pages: Pages) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const http = context.switchToHttp();
    const toLogin = () => of(this.pages.redirect(http.getResponse<FastifyReply>(), '/login'));
    if (!http.getRequest<PageRequest>().authenticated) return toLogin();
    return next.handle().pipe(
      catchError((error) => {
        if (error instanceof UnauthenticatedError) return toLogin();
        throw error;
      }),
    );
  }
}
