import {
  applyDecorators,
  CanActivate,
  Controller,
  ExecutionContext,
  Injectable,
  InternalServerErrorException,
  UnsupportedMediaTypeException,
  UseFilters,
  UseGuards,
} from '@nestjs/common';
import { ApiProblems } from './openapi';
import { ProblemFilter } from './problem.filter';

interface RequestWithBody {
  headers: Record<string, string | string[] | undefined>;
  body?: unknown;
}

/**
 * Refuses bodies that are not JSON. A form or text/plain body is what another site's page can make a browser send
 * without a preflight request (OWASP CSRF cheat sheet), whatever the host's adapter is able to parse.
 */
@Injectable()
export class JsonBodyGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { headers, body } = context.switchToHttp().getRequest<RequestWithBody>();
    const type = headers['content-type'];
    const hasBody = Number(headers['content-length'] ?? 0) > 0 || headers['transfer-encoding'] !== undefined;
    if (type === undefined && !hasBody && isEmpty(body)) return true;
    if (typeof type === 'string' && /^application\/json[ \t]*(;|$)/i.test(type)) return true;
    throw new UnsupportedMediaTypeException();
  }
}

function isEmpty(body: unknown): boolean {
  return body === undefined || body === null || Object.keys(body).length === 0;
}

/**
 * Class decorator: a REST controller that accepts JSON only and answers errors as problem details. Both travel with it, so
 * that it behaves the same in a host application that has none of them set up globally.
 */
export function ApiController(path: string): ClassDecorator {
  return applyDecorators(
    Controller(path),
    UseGuards(JsonBodyGuard),
    UseFilters(ProblemFilter),
    ApiProblems(new UnsupportedMediaTypeException(), new InternalServerErrorException()),
  );
}
