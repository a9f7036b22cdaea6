import {
  ArgumentsHost,
  Catch,
  ExceptionFilter,
  HttpException,
  Injectable,
  Logger,
  Optional,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { STATUS_CODES } from 'node:http';
import {
  ApiError,
  asAnswerable,
  currentRequestId,
  describeError,
  FieldError,
  isHangUp,
  SampledEvents,
} from '../common';
import { recordDenial } from './denials';

/** The body of an error response (RFC 9457). */
export interface Problem {
  type: 'about:blank';
  title: string;
  status: number;
  detail: string;
  code: string;
  requestId: string;
  errors?: FieldError[];
}

/** Errors that the framework raises before our own code runs. */
const FRAMEWORK_ERRORS: Record<number, { code: string; detail: string }> = {
  400: { code: 'BAD_REQUEST', detail: 'The request could not be read.' },
  401: { code: 'UNAUTHENTICATED', detail: 'Sign in first.' },
  403: { code: 'FORBIDDEN', detail: 'You are not allowed to do this.' },
  404: { code: 'NOT_FOUND', detail: 'There is nothing at this URL.' },
  405: { code: 'METHOD_NOT_ALLOWED', detail: 'This URL does not accept this method.' },
  413: { code: 'PAYLOAD_TOO_LARGE', detail: 'The request body is larger than this server accepts.' },
  415: { code: 'UNSUPPORTED_MEDIA_TYPE', detail: 'Send the body as application/json.' },
  431: { code: 'HEADERS_TOO_LARGE', detail: 'The request headers are larger than this server accepts.' },
};

/** Answers every error as `application/problem+json`. An unexpected one becomes a bare 500 and a line in the log. */
@Catch()
@Injectable()
export class ProblemFilter implements ExceptionFilter {
  private readonly logger = new Logger('Problem');

  constructor(
    private readonly adapterHost: HttpAdapterHost,
    @Optional() private readonly events?: SampledEvents,
  ) {}

  catch(thrown: unknown, host: ArgumentsHost): void {
    const { httpAdapter } = this.adapterHost;
    const response: unknown = host.switchToHttp().getResponse();
    const error = asAnswerable(thrown);
    const problem = toProblem(error);
    if (problem.status >= 500 && !(thrown instanceof ApiError)) {
      this.logger.error(`${problem.requestId}: ${describeError(thrown)}`);
    }
    if (this.events && !isHangUp(thrown))
      void recordDenial(this.events, problem.code, host.switchToHttp().getRequest());
    if (httpAdapter.isHeadersSent(response)) return;
    const headers = error instanceof ApiError ? error.headers : {};
    for (const [name, value] of Object.entries(headers)) httpAdapter.setHeader(response, name, value);
    httpAdapter.setHeader(response, 'Content-Type', 'application/problem+json; charset=utf-8');
    httpAdapter.setHeader(response, 'Cache-Control', 'no-store');
    // As text: adapters send an object as application/json.
    httpAdapter.reply(response, JSON.stringify(problem), problem.status);
  }
}

/** What the caller gets to know about an error. */
export function toProblem(thrown: unknown, requestId = currentRequestId()): Problem {
  const error = asAnswerable(thrown);
  const status = statusOf(error);
  const base = { type: 'about:blank' as const, title: STATUS_CODES[status] ?? 'Error', status };
  if (error instanceof ApiError) {
    return { ...base, detail: error.detail, code: error.code, requestId, errors: error.errors };
  }
  const known = FRAMEWORK_ERRORS[status];
  if (known) return { ...base, ...known, requestId };
  if (status < 500)
    return { ...base, code: 'REQUEST_REFUSED', detail: 'The request was refused.', requestId };
  return {
    ...base,
    code: status === 503 ? 'UNAVAILABLE' : 'INTERNAL_ERROR',
    detail: 'Something went wrong on our side. Quote the request id when you report it.',
    requestId,
  };
}

/** @returns the status of the response to an error; Fastify and body-parser raise plain errors that carry one */
export function statusOf(error: unknown): number {
  if (error instanceof HttpException) return error.getStatus();
  const status = (error as { statusCode?: unknown } | undefined)?.statusCode;
  return typeof status === 'number' && status >= 400 && status < 500 ? status : 500;
}
