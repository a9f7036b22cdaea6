import {
  applyDecorators,
  CanActivate,
  Controller,
  createParamDecorator,
  ExecutionContext,
  Header,
  Injectable,
  InternalServerErrorException,
  PipeTransform,
  UnsupportedMediaTypeException,
  UseFilters,
  UseGuards,
} from '@nestjs/common';
import { ApiProblem } from './openapi';
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
    if (typeof type === 'string' && /^application\/json[ \t]*(;|$)/i.test(type)) return true;
    throw new UnsupportedMediaTypeException();
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
    UseFilters(ProblemFilter),
    ApiProblem('The body is not sent as application/json.', new UnsupportedMediaTypeException()),
    ApiProblem(
      'A fault on our side, told in the log under the request id.',
      new InternalServerErrorException(),
    ),
  );
}

const bodyOf = createParamDecorator(
  (_: unknown, context: ExecutionContext) => context.switchToHttp().getRequest<RequestWithBody>().body,
);
const bodyPipe = createValidationPipe();
const asBody: PipeTransform = {
  transform: (value: unknown, metadata) =>
    bodyPipe.transform(value, { ...metadata, type: 'body' }) as unknown,
};

/**
 * Parameter decorator: the body, checked against its DTO class. Not Nest's `@Body()`: a validation pipe that a host has
 * set up for everything would check that first, by rules of its own and with another answer.
 */
export const JsonBody = () => bodyOf(asBody);

/** Method decorator: the answer is for this caller only and must not be kept by any cache. */
export const NoStore = () => Header('Cache-Control', 'no-store');
