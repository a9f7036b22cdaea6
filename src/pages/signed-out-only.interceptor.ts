import { CallHandler, ExecutionContext, Injectable, NestInterceptor } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Observable, of } from 'rxjs';
import type { PageRequest } from './page-request';
import { Pages } from './pages';

/** Sends those who are signed in to the index: the page is of no use to them. */
@Injectable()
export class SignedOutOnly implements NestInterceptor {
  constructor(private readonly pages: Pages) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const http = context.switchToHttp();
    if (!http.getRequest<PageRequest>().authenticated) return next.handle();
    this.pages.redirect(http.getResponse<FastifyReply>(), '/');
    return of(undefined);
  }
}
