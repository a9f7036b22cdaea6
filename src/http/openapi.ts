import { applyDecorators, Header, HttpCode, Type } from '@nestjs/common';
import {
  ApiExtraModels,
  ApiProperty,
  ApiPropertyOptional,
  ApiResponse,
  ApiResponseNoStatusOptions,
  getSchemaPath,
} from '@nestjs/swagger';
import { ApiError } from '../common';
import { Problem, toProblem } from './problem.filter';

const EXAMPLE_REQUEST_ID = '9f0b5a52-6a0c-4a7e-8f0e-2f6f1c1d7a33';

class FieldErrorSchema {
  @ApiProperty({ example: 'password' })
  field!: string;

  @ApiProperty({ description: 'Stable name of what is wrong, for programs.', example: 'too_short' })
  code!: string;

  @ApiProperty({ example: 'Use at least 15 characters.' })
  message!: string;
}

/** The body of every error response (RFC 9457). */
export class ProblemSchema {
  @ApiProperty({ format: 'uri-reference', example: 'about:blank' })
  type!: string;

  @ApiProperty({ description: 'The name of the status.', example: 'Unprocessable Entity' })
  title!: string;

  @ApiProperty({ type: 'integer', minimum: 400, maximum: 599, example: 422 })
  status!: number;

  @ApiProperty({
    description: 'Helps to correct the request.',
    example: 'Choose another password. Nothing has changed.',
  })
  detail!: string;

  @ApiProperty({ description: 'Stable name of the error, for programs.', example: 'PASSWORD_REJECTED' })
  code!: string;

  @ApiProperty({ description: 'Quote it when you report the error.', example: EXAMPLE_REQUEST_ID })
  requestId!: string;

  @ApiPropertyOptional({
    description: 'Which fields are wrong, and why.',
    type: [FieldErrorSchema],
  })
  errors?: FieldErrorSchema[];
}

/** Method decorator: no cache may keep the response. */
export const NoStore = () => Header('Cache-Control', 'no-store');

/** Method decorator: the response of a route that succeeds. It is meant for this caller only, so no cache may keep it. */
export function Responds(status: number, description: string, type?: Type): MethodDecorator {
  return applyDecorators(HttpCode(status), NoStore(), ApiResponse({ status, description, type }));
}

/**
 * Decorator of a route or a controller: the errors that it answers. Descriptions and examples are made from the very errors
 * that are thrown, so they cannot differ from the responses. Of two errors with one code, the upper decorator's is the example.
 */
export function ApiProblems(...errors: Error[]): MethodDecorator & ClassDecorator {
  return applyDecorators(ApiExtraModels(ProblemSchema), ...errors.map(describeProblem));
}

function describeProblem(error: Error): MethodDecorator & ClassDecorator {
  const problem = toProblem(error, EXAMPLE_REQUEST_ID);
  const { status, code, detail } = problem;
  const key = `latchkey:problems-${status}`;
  return (target: object, method?: string | symbol, route?: PropertyDescriptor) => {
    const owner = (route?.value ?? target) as object;
    const others = Reflect.getOwnMetadata(key, owner) as Record<string, { value: Problem }> | undefined;
    const examples = { ...others, [code]: { value: problem } };
    Reflect.defineMetadata(key, examples, owner);
    // Swagger appends a description to the one that it has.
    const description = others && code in others ? '' : `${code}: ${detail}`;
    const schema = { $ref: getSchemaPath(ProblemSchema) };
    const content = { 'application/problem+json': { schema, examples } };
    ApiResponse({ status, description, ...headersOf(error), content })(target, method!, route!);
  };
}

function headersOf(error: Error): Pick<ApiResponseNoStatusOptions, 'headers'> {
  if (!(error instanceof ApiError) || Object.keys(error.headers).length === 0) return {};
  const headers = Object.entries(error.headers);
  return {
    headers: Object.fromEntries(
      headers.map(([name, example]) => [name, { schema: { type: 'string', example } }]),
    ),
  };
}
