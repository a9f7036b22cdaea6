import {
  applyDecorators,
  CanActivate,
  Controller,
  ExecutionContext,
  Header,
  Injectable,
  UseFilters,
  UseGuards,
  UsePipes,
} from '@nestjs/common';
import { ApiError } from './api-error';
import { ProblemFilter } from './problem.filter';
import { createValidationPipe } from './validation.pipe';

interface RequestWithBody {
  headers: Record<string, string | string[] | undefined>;
  body?: unknown;
}

/**
 * Refuses bodies that are not JSON. A form or text/plain body is what another site's page can make a browser send
 * without asking first (OWASP CSRF cheat sheet), whatever the host's adapter is able to parse.
 */
@Injectable()
export class JsonBodyGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { headers, body } = context.switchToHttp().getRequest<RequestWithBody>();
    const type = headers['content-type'];
    const hasBody = Number(headers['content-length'] ?? 0) > 0 || headers['transfer-encoding'] !== undefined;
    if (type === undefined && !hasBody && isEmpty(body)) return true;
    if (typeof type === 'string' && /^application\/json\s*(;|$)/i.test(type)) return true;
    throw new ApiError({
      status: 415,
      code: 'UNSUPPORTED_MEDIA_TYPE',
      detail: 'Send the body as application/json.',
    });
  }
}

function isEmpty(body: unknown): boolean {
  return body === undefined || body === null || Object.keys(body).length === 0;
}

/**
 * A REST controller of ours. Validation, JSON only and problem details travel with it, so that it behaves the same in
 * a host application that has none of them set up globally.
 */
export function ApiController(path: string): ClassDecorator {
  return applyDecorators(
    Controller(path),
    UseGuards(JsonBodyGuard),
    UsePipes(createValidationPipe()),
    UseFilters(ProblemFilter),
  );
}

/** Method decorator: the answer is for this caller only and must not be kept by any cache. */
export const NoStore = () => Header('Cache-Control', 'no-store');
