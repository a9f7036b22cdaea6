import { applyDecorators } from '@nestjs/common';
import {
  ApiExtraModels,
  ApiProperty,
  ApiPropertyOptional,
  ApiResponse,
  getSchemaPath,
} from '@nestjs/swagger';
import { STATUS_CODES } from 'node:http';

class FieldErrorSchema {
  @ApiProperty({ example: 'password' })
  field!: string;

  @ApiProperty({ example: 'too_short' })
  code!: string;

  @ApiProperty({ example: 'Use at least 15 characters.' })
  message!: string;
}

/** The shape of every error answer (RFC 9457). */
export class ProblemSchema {
  @ApiProperty({ example: 'about:blank' })
  type!: string;

  @ApiProperty({ description: 'The name of the status.' })
  title!: string;

  @ApiProperty()
  status!: number;

  @ApiProperty({ description: 'A sentence that helps to do better.' })
  detail!: string;

  @ApiProperty({ description: 'Stable name of the error, for programs.' })
  code!: string;

  @ApiProperty({ description: 'Quote it when you report the error.' })
  requestId!: string;

  @ApiPropertyOptional({ type: [FieldErrorSchema] })
  errors?: FieldErrorSchema[];
}

/** One error answer in the OpenAPI description. Several codes of one status share an entry. */
export function ApiProblem(
  status: number,
  description: string,
  ...codes: string[]
): MethodDecorator & ClassDecorator {
  const examples = Object.fromEntries(codes.map((code) => [code, { value: exampleProblem(status, code) }]));
  return applyDecorators(
    ApiExtraModels(ProblemSchema),
    ApiResponse({
      status,
      description,
      content: { 'application/problem+json': { schema: { $ref: getSchemaPath(ProblemSchema) }, examples } },
    }),
  );
}

function exampleProblem(status: number, code: string): ProblemSchema {
  return {
    type: 'about:blank',
    title: STATUS_CODES[status] ?? 'Error',
    status,
    detail: 'What went wrong and what to do, in a sentence.',
    code,
    requestId: '9f0b5a52-6a0c-4a7e-8f0e-2f6f1c1d7a33',
  };
}
