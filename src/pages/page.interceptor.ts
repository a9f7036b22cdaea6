import { CallHandler, ExecutionContext, Injectable, NestInterceptor } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { mergeMap, Observable, of } from 'rxjs';
import { Continuation } from './continuation';
import { Answer, Redirect } from './page';
import type { PageRequest } from './page-request';
import { traitsOf } from './page-traits';
import { Pages } from './pages';

/** Answers with what a page controller returns; sends those whom a page is not for to where they get further. */
@Injectable()
export class PageInterceptor implements NestInterceptor {
  constructor(
    private readonly continuation: Continuation,
    private readonly pages: Pages,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler<Answer>): Observable<string | undefined> {
    const http = context.switchToHttp();
    const [request, reply] = [http.getRequest<PageRequest>(), http.getResponse<FastifyReply>()];
    const elsewhere = this.turnAway(request, reply);
    return (elsewhere ? of(elsewhere) : next.handle()).pipe(
      mergeMap((answer) => this.pages.prepare(answer, request, reply)),
    );
  }

  private turnAway(request: PageRequest, reply: FastifyReply): Redirect | undefined {
    const { audience } = traitsOf(request.page);
    if (audience === 'signed-in' && !request.authenticated) return new Redirect('/login');
    if (audience !== 'signed-out' || !request.authenticated) return undefined;
    // The index says who is signed in, and leads on to the page by a sign-out.
    this.continuation.remember(request, reply);
    return new Redirect('/');
  }
}
