import { ApiError } from '../common';

/** 403: signed in, but the current password given to confirm an act is not right. Nothing has changed. */
export class WrongPasswordError extends ApiError {
  constructor() {
    super({
      status: 403,
      code: 'WRONG_PASSWORD',
      detail: 'The current password is not right. Nothing has changed.',
      errors: [{ field: 'currentPassword', code: 'wrong', message: 'must be your current password' }],
    });
  }
}
