import { applyDecorators, BadRequestException, PayloadTooLargeException, Type } from '@nestjs/common';
import {
  ApiBody,
  ApiExtraModels,
  ApiProperty,
  ApiPropertyOptional,
  ApiResponse,
  getSchemaPath,
} from '@nestjs/swagger';
import { ApiError } from './api-error';
import { toProblem } from './problem.filter';

const EXAMPLE_REQUEST_ID = '9f0b5a52-6a0c-4a7e-8f0e-2f6f1c1d7a33';

class FieldErrorSchema {
  @ApiProperty({ example: 'password' })
  field!: string;

  @ApiProperty({ description: 'Stable name of what is wrong, for programs.', example: 'too_short' })
  code!: string;

  @ApiProperty({ example: 'Use at least 15 characters.' })
  message!: string;
}

/** The shape of every error answer (RFC 9457). */
export class ProblemSchema {
  @ApiProperty({ format: 'uri-reference', example: 'about:blank' })
  type!: string;

  @ApiProperty({ description: 'The name of the status.', example: 'Unprocessable Entity' })
  title!: string;

  @ApiProperty({ type: 'integer', minimum: 400, maximum: 599, example: 422 })
  status!: number;

  @ApiProperty({
    description: 'A sentence that helps to do better.',
    example: 'Choose another password. Nothing has changed.',
  })
  detail!: string;

  @ApiProperty({ description: 'Stable name of the error, for programs.', example: 'PASSWORD_REJECTED' })
  code!: string;

  @ApiProperty({ description: 'Quote it when you report the error.', example: EXAMPLE_REQUEST_ID })
  requestId!: string;

  @ApiPropertyOptional({
    description: 'Where fields are at fault: which, and why.',
    type: [FieldErrorSchema],
  })
  errors?: FieldErrorSchema[];
}

/**
 * One error answer in the OpenAPI description. Its examples are made from the very errors that are thrown, so they cannot
 * tell anything else than the answers do.
 * @param errors all of one status
 */
export function ApiProblem(
  description: string,
  ...errors: [Error, ...Error[]]
): MethodDecorator & ClassDecorator {
  const problems = errors.map((error) => toProblem(error, EXAMPLE_REQUEST_ID));
  const examples = Object.fromEntries(problems.map((problem) => [problem.code, { value: problem }]));
  const schema = { $ref: getSchemaPath(ProblemSchema) };
  return applyDecorators(
    ApiExtraModels(ProblemSchema),
    ApiResponse({
      status: problems[0]!.status,
      description,
      headers: headersOf(errors[0]),
      content: { 'application/problem+json': { schema, examples } },
    }),
  );
}

/**
 * The body of a route in the OpenAPI description, and the answers to bodies that are not accepted.
 * @param refusals what the route itself answers with 400
 */
export function ApiJsonBody(type: Type, ...refusals: ApiError[]): MethodDecorator {
  return applyDecorators(
    ApiBody({ type }),
    ApiProblem(
      'The body cannot be accepted; the code says why. Nothing has been done.',
      new BadRequestException(),
      ...refusals,
    ),
    ApiProblem('The body is larger than this server reads.', new PayloadTooLargeException()),
  );
}

function headersOf(error: Error) {
  if (!(error instanceof ApiError) || Object.keys(error.headers).length === 0) return undefined;
  const headers = Object.entries(error.headers);
  return Object.fromEntries(
    headers.map(([name, example]) => [name, { schema: { type: 'string', example } }]),
  );
}
