import { ArgumentsHost, Catch, ExceptionFilter, Injectable, Logger } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import {
  ApiError,
  asAnswerable,
  currentRequestId,
  describeError,
  isHangUp,
  SampledEvents,
  UnauthenticatedError,
} from '../common';
import { ProblemFilter, recordDenial, statusOf, toProblem } from '../http';
import { FormAgain } from './form-again';
import { refusalOf, WrongAddressError } from './form-refusal';
import { Answer, Page, Redirect } from './page';
import { setPageHeaders, setRetryAfter } from './page-headers';
import type { PageRequest } from './page-request';
import { traitsOf } from './page-traits';
import { Pages } from './pages';

/**
 * Answers errors: a refused form is shown again, a dead link leads to where a new one can be requested, and all else is an error
 * page. As a global filter it also gets the errors of requests that reach no controller; it leaves those of the API to the
 * problem filter.
 */
@Catch()
@Injectable()
export class PageExceptionFilter implements ExceptionFilter {
  private readonly logger = new Logger('Pages');

  constructor(
    private readonly pages: Pages,
    private readonly problems: ProblemFilter,
    private readonly forms: FormAgain,
    private readonly events: SampledEvents,
  ) {}

  async catch(thrown: unknown, host: ArgumentsHost): Promise<void> {
    const request = host.switchToHttp().getRequest<PageRequest>();
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    if (isForPrograms(request.url)) return this.problems.catch(thrown, host);
    try {
      const answer = await this.answerTo(thrown, request, reply);
      if (!reply.sent) await reply.send(await this.pages.prepare(answer, request, reply));
    } catch (failure) {
      // Nothing catches what an exception filter throws.
      this.logger.error(describeError(failure));
      void setPageHeaders(reply).status(500).type('text/plain; charset=utf-8').send('Internal Server Error');
    }
  }

  private async answerTo(error: unknown, request: PageRequest, reply: FastifyReply): Promise<Answer> {
    const refusal = request.method === 'POST' && request.page && refusalOf(error);
    if (!refusal) return this.explain(error, request, reply);
    setRetryAfter(reply, error);
    request.refusal = refusal;
    try {
      return await this.forms.show(request, reply);
    } catch (other) {
      return this.explain(other, request, reply);
    }
  }

  private async explain(thrown: unknown, request: PageRequest, reply: FastifyReply): Promise<Answer> {
    const error = asAnswerable(thrown);
    const { audience, deadLinks } = traitsOf(request.page);
    // The session has ended while the request was under way.
    if (audience === 'signed-in' && error instanceof UnauthenticatedError) return new Redirect('/login');
    const status = statusOf(error);
    if (status >= 500 && !(thrown instanceof ApiError))
      this.logger.error(`${currentRequestId()}: ${describeError(thrown)}`);
    const { code } = toProblem(error);
    if (!isHangUp(thrown)) await recordDenial(this.events, code, request);
    const flash = deadLinks?.reasons[code];
    if (flash) return new Redirect(deadLinks.path, { flash });
    setRetryAfter(reply, error);
    const text = error instanceof WrongAddressError ? 'address' : textFor(status);
    return new Page('error', { status, text, requestId: currentRequestId() });
  }
}

/** Some statuses have a text of their own; the others take that of their class. */
function textFor(status: number): number {
  if ([403, 404, 413, 429, 503].includes(status)) return status;
  return status < 500 ? 400 : 500;
}

function isForPrograms(url: string): boolean {
  return /^\/+(api|health)(\/|\?|$)/.test(url);
}
