import {
  applyDecorators,
  BadRequestException,
  createParamDecorator,
  ExecutionContext,
  PayloadTooLargeException,
  PipeTransform,
  Type,
} from '@nestjs/common';
import { ApiBody } from '@nestjs/swagger';
import { ApiProblems } from './openapi';
import { createValidationPipe, isBodyRequired, refusalOfEveryField } from './validation.pipe';

const rawBody = createParamDecorator(
  (_: unknown, context: ExecutionContext) => context.switchToHttp().getRequest<{ body?: unknown }>().body,
);
const bodyPipe = createValidationPipe();
const validated: PipeTransform = {
  transform: (value: unknown, metadata) =>
    bodyPipe.transform(value, { ...metadata, type: 'body' }) as unknown,
};

/**
 * Parameter decorator: the body, validated against the DTO class of the parameter, and its OpenAPI description. Not Nest's
 * `@Body()`: a host's global validation pipe would check that first, by rules of its own and with another answer.
 */
export function JsonBody(): ParameterDecorator {
  return (controller, method, index) => {
    rawBody(validated)(controller, method, index);
    const types = Reflect.getMetadata('design:paramtypes', controller, method!) as Type<object>[];
    const route = Object.getOwnPropertyDescriptor(controller, method!)!;
    describeBody(types[index]!)(controller, method!, route);
  };
}

function describeBody(type: Type<object>): MethodDecorator {
  return applyDecorators(
    ApiBody({ type, required: isBodyRequired(type) }),
    ApiProblems(new BadRequestException(), refusalOfEveryField(type), new PayloadTooLargeException()),
  );
}
