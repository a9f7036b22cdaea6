import { ArgumentMetadata, Type, ValidationPipe } from '@nestjs/common';
import { plainToInstance } from 'class-transformer';
import { getMetadataStorage, ValidationError, validateSync } from 'class-validator';
import { FieldError, ValidationFailedError } from '../common';

/** Enough to see what is wrong; ten thousand unknown fields must not get an answer ten times their length. */
const MAXIMUM_ERRORS = 10;

/** More than any request of ours has, so that one of them is unknown; checking takes the square of their number. */
const MAXIMUM_FIELDS = 50;

/** Checks a body against its DTO class: unknown fields are refused, nothing is converted that the class does not convert. */
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

/** Whether a DTO class refuses an empty body. */
export function isBodyRequired(type: Type<object>): boolean {
  return validateSync(plainToInstance(type, {})).length > 0;
}

/** The refusal of a body that is wrong in every field of its DTO class, as an example for the API description. */
export function refusalOfEveryField(type: Type<object>): ValidationFailedError {
  const rules = getMetadataStorage().getTargetValidationMetadatas(type, '', false, false);
  const fields = new Set(rules.map(({ propertyName }) => propertyName));
  // No field of ours is a number, and no two are equal.
  const body = Object.fromEntries([...fields].map((field, n) => [field, n]));
  return refusal(validateSync(plainToInstance(type, body)).flatMap(toFieldErrors));
}

/**
 * Inspects a body before Nest and class-transformer do: they skip fields that every object or class has (`constructor`,
 * `__proto__`) as if they had not been sent, and their recursion ends at some thousand nested lists.
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

function toFieldErrors({ property: field, constraints = {}, contexts = {} }: ValidationError): FieldError[] {
  return Object.entries(constraints).map(([rule, message]) => {
    if (rule === 'whitelistValidation') return unknownField(field);
    const { code = 'invalid' } = (contexts[rule] ?? {}) as { code?: string };
    return { field, code, message };
  });
}

function unknownField(field: string): FieldError {
  return { field, code: 'unknown_field', message: 'is not a field of this request' };
}

function refusal(errors: FieldError[]): ValidationFailedError {
  return new ValidationFailedError(errors.slice(0, MAXIMUM_ERRORS));
}
