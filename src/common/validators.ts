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

/** Controls, direction marks and what is not seen; not the joiners and selectors that emoji and several scripts need. */
const UNSEEN =
  /(?![\u200c\u200d\ufe0e\ufe0f])[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]/u;

const LONGEST_USERNAME = 64;

/**
 * A name that strangers may be shown, also in a mail to somebody who has not asked for one: one line, something to see,
 * and nothing hidden in it.
 */
export function isUsername(value: unknown): value is string {
  return (
    isPlainText(value) &&
    [...value].length <= LONGEST_USERNAME &&
    !UNSEEN.test(value) &&
    /[\p{L}\p{N}\p{P}\p{S}]/u.test(value)
  );
}

/** Property decorator: a name as {@link isUsername} takes it. */
export function IsUsername(options?: ValidationOptions): PropertyDecorator {
  const message = `must be 1 to ${LONGEST_USERNAME} characters that can be seen, on one line`;
  return validator('isUsername', isUsername, message, options);
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
