import { ArgumentsHost, Catch, ExceptionFilter, Injectable, Logger } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ApiError, asAnswerable, currentRequestId, describeError, ProblemFilter, statusOf } from '../common';
import { Pages } from './pages';
import { setPageHeaders, setRetryAfter } from './page-headers';

/**
 * Answers errors as pages. Set globally, it also sees what fails before a controller is found, and leaves the part of
 * that which concerns the API to the problem filter.
 */
@Catch()
@Injectable()
export class PageExceptionFilter implements ExceptionFilter {
  private readonly logger = new Logger('Pages');

  constructor(
    private readonly pages: Pages,
    private readonly problems: ProblemFilter,
  ) {}

  async catch(thrown: unknown, host: ArgumentsHost): Promise<void> {
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    if (isForPrograms(request.url)) return this.problems.catch(thrown, host);
    const error = asAnswerable(thrown);
    const status = statusOf(error);
    if (status >= 500 && !(thrown instanceof ApiError))
      this.logger.error(`${currentRequestId()}: ${describeError(thrown)}`);
    if (reply.sent) return;
    if (error instanceof ApiError) setRetryAfter(reply, error);
    try {
      await this.pages.sendError(request, reply, {
        status,
        text: textFor(status),
        requestId: currentRequestId(),
      });
    } catch (failure) {
      // Nobody catches what an exception filter throws.
      this.logger.error(describeError(failure));
      void setPageHeaders(reply).status(500).type('text/plain; charset=utf-8').send('Internal Server Error');
    }
  }
}

/** Some statuses have a text of their own; the others take that of their class. */
function textFor(status: number): number {
  if ([403, 404, 413, 429, 503].includes(status)) return status;
  return status < 500 ? 400 : 500;
}

function isForPrograms(url: string): boolean {
  return /^\/(api|health)(\/|\?|$)/.test(url);
}
