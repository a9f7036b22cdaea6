import type { ValidationOptions } from 'class-validator';
import { parseEmailAddress } from './email-address';
import { validator } from './validator';

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

/** What is wrong with a name that {@link isUsername} refuses, in the words of every door. */
export const USERNAME_RULE = `must be 1 to ${LONGEST_USERNAME} characters that can be seen, on one line`;

/**
 * A name that strangers may be shown, also in a mail that its recipient has not requested: one line, something to see,
 * and nothing hidden in it.
 */
export function isUsername(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    // At most two UTF-16 units a character: the length comes before the content.
    value.length <= 2 * LONGEST_USERNAME &&
    isPlainText(value) &&
    [...value].length <= LONGEST_USERNAME &&
    !UNSEEN.test(value) &&
    /[\p{L}\p{N}\p{P}\p{S}]/u.test(value)
  );
}

/** Property decorator: a name as {@link isUsername} takes it. */
export function IsUsername(options?: ValidationOptions): PropertyDecorator {
  return validator('isUsername', isUsername, USERNAME_RULE, options);
}

/** What is wrong with a text that is not exactly one mail address. */
export const EMAIL_ADDRESS_RULE = 'must be one e-mail address';

/** Property decorator: exactly one plain mail address. */
export function IsEmailAddress(options?: ValidationOptions): PropertyDecorator {
  const isEmailAddress = (value: unknown) => parseEmailAddress(value) !== undefined;
  return validator('isEmailAddress', isEmailAddress, EMAIL_ADDRESS_RULE, options);
}

/** Property decorator: the same as another property, such as a password that is typed twice. */
export function SameAs(property: string, options?: ValidationOptions): PropertyDecorator {
  return validator(
    'sameAs',
    (value, { object }) => value === (object as Record<string, unknown>)[property],
    `must be the same as ${property}`,
    { context: { code: 'mismatch' }, ...options },
  );
}
