import type { PasswordProblem } from './password-policy';

/** Code points, after normalization to NFC. */
export const MAXIMUM_LENGTH = 256;

export const TOO_LONG: PasswordProblem = {
  reason: 'too_long',
  message: `Use at most ${MAXIMUM_LENGTH} characters.`,
};

/**
 * UTF-16 units. Normalization takes more than linear time (half a second for 32,600 combining marks in a bad order), so
 * the raw length of a password is checked before anything else is done with it. 256 characters fit in, unless they are typed
 * with more than four units each.
 */
const MAXIMUM_UNITS = 1024;

/** Whether a text is too long to be read as a password, whatever is in it. */
export function isTooLong(password: string): boolean {
  return password.length > MAXIMUM_UNITS;
}

/** Code points, which is what people take for characters (NIST SP 800-63B-4, section 3.1.1.2). */
export function lengthOf(text: string): number {
  return [...text].length;
}
