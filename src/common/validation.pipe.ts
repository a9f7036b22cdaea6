import { ArgumentMetadata, ValidationPipe } from '@nestjs/common';
import type { ValidationError } from 'class-validator';
import { FieldError, ValidationFailedError } from './api-error';

/** Enough to see what is wrong; ten thousand unknown fields must not get an answer ten times their length. */
const MAXIMUM_ERRORS = 10;

/** More than any request of ours has, so that one of them is unknown; checking takes the square of their number. */
const MAXIMUM_FIELDS = 50;

/** Checks a body against its DTO class: unknown fields are refused, nothing is converted. */
export function createValidationPipe(): ValidationPipe {
  return new FlatBodyPipe({
    whitelist: true,
    forbidNonWhitelisted: true,
    forbidUnknownValues: true,
    transform: true,
    transformOptions: { enableImplicitConversion: false },
    exceptionFactory: (errors) => refusal(errors.flatMap(toFieldErrors)),
  });
}

/**
 * Looks at a body before Nest and class-transformer do: they pass over fields that every object or class has
 * (`constructor`, `__proto__`), as if they had not been sent, and their recursion ends at some thousand nested lists.
 */
class FlatBodyPipe extends ValidationPipe {
  override transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    if (metadata.type !== 'body') return super.transform(value, metadata) as Promise<unknown>;
    const body = typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
    const fields = Object.entries(body).slice(0, MAXIMUM_FIELDS);
    const errors = fields.flatMap(([field, content]) => flatFieldErrors(field, content));
    if (errors.length > 0) throw refusal(errors);
    return super.transform(Object.fromEntries(fields), metadata) as Promise<unknown>;
  }
}

function flatFieldErrors(field: string, content: unknown): FieldError[] {
  if (field === 'prototype' || field in Object.prototype) return [unknownField(field)];
  const nested = typeof content === 'object' && content !== null;
  return nested ? [{ field, code: 'invalid', message: 'must not be a list or an object' }] : [];
}

function toFieldErrors({ property: field, constraints = {} }: ValidationError): FieldError[] {
  return Object.entries(constraints).map(([rule, message]) =>
    rule === 'whitelistValidation' ? unknownField(field) : { field, code: 'invalid', message },
  );
}

function unknownField(field: string): FieldError {
  return { field, code: 'unknown_field', message: 'is not a field of this request' };
}

function refusal(errors: FieldError[]): ValidationFailedError {
  return new ValidationFailedError(errors.slice(0, MAXIMUM_ERRORS));
}
