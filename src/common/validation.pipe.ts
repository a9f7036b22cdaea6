import { ValidationPipe } from '@nestjs/common';
import type { ValidationError } from 'class-validator';
import { FieldError, ValidationFailedError } from './api-error';

/** Checks a body against its DTO class: unknown fields are refused, nothing is converted. */
export function createValidationPipe(): ValidationPipe {
  return new ValidationPipe({
    whitelist: true,
    forbidNonWhitelisted: true,
    forbidUnknownValues: true,
    transform: true,
    transformOptions: { enableImplicitConversion: false },
    exceptionFactory: (errors) => new ValidationFailedError(errors.flatMap(toFieldErrors)),
  });
}

function toFieldErrors(error: ValidationError): FieldError[] {
  return Object.entries(error.constraints ?? {}).map(([rule, message]) => ({
    field: error.property,
    code: rule === 'whitelistValidation' ? 'unknown_field' : 'invalid',
    message: rule === 'whitelistValidation' ? 'is not a field of this request' : message,
  }));
}
