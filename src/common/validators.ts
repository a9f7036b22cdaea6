import { registerDecorator, ValidationOptions } from 'class-validator';
import { parseEmailAddress } from './email-address';

/**
 * A string that every layer reads alike: no NUL (PostgreSQL refuses it), no lone surrogate, and no U+FFFD, which stands
 * where bytes were no UTF-8: two passwords that differ in such bytes must not count as one.
 */
export function isPlainText(value: unknown): value is string {
  return typeof value === 'string' && value.isWellFormed() && !/[\0\ufffd]/.test(value);
}

/** Property decorator: one string without NUL, lone surrogates and U+FFFD. */
export function IsPlainText(options?: ValidationOptions): PropertyDecorator {
  return validator(
    'isPlainText',
    isPlainText,
    'must be one string of well-formed Unicode without NUL',
    options,
  );
}

/** Property decorator: exactly one plain mail address. */
export function IsEmailAddress(options?: ValidationOptions): PropertyDecorator {
  const isEmailAddress = (value: unknown) => parseEmailAddress(value) !== undefined;
  return validator('isEmailAddress', isEmailAddress, 'must be one e-mail address', options);
}

function validator(
  name: string,
  validate: (value: unknown) => boolean,
  message: string,
  options?: ValidationOptions,
): PropertyDecorator {
  return (target, propertyName) =>
    registerDecorator({
      name,
      target: target.constructor,
      propertyName: propertyName as string,
      options: { message, ...options },
      validator: { validate },
    });
}
