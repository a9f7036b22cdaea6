import { ApiError } from '../common';
import type { PasswordProblem } from './password-policy';

/** 422: the password is not good enough; the reasons are the codes of the field errors. Nothing has changed. */
export class PasswordRejectedError extends ApiError {
  constructor(problems: PasswordProblem[]) {
    super({
      status: 422,
      code: 'PASSWORD_REJECTED',
      detail: 'Choose another password. Nothing has changed.',
      errors: problems.map(({ reason, message }) => ({ field: 'password', code: reason, message })),
    });
  }
}
