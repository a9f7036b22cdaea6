import { ApiError } from '../common';
import type { PasswordProblem } from './password-policy';

/** 422: the policy refuses the password; the reasons are the codes of the field errors. Nothing has changed. */
export class PasswordRejectedError extends ApiError {
  /** For the API description. */
  static readonly example = new PasswordRejectedError([
    { reason: 'too_short', message: 'Use at least 15 characters.' },
  ]);

  constructor(problems: PasswordProblem[]) {
    super({
      status: 422,
      code: 'PASSWORD_REJECTED',
      detail: 'Choose another password. Nothing has changed.',
      errors: problems.map(({ reason, message }) => ({ field: 'password', code: reason, message })),
    });
  }
}

/** There is already an account with this address. */
export class EmailTakenError extends Error {
  override readonly name = 'EmailTakenError';
}
