import { ApiError } from '../common';

/** 401, the same for an unknown address, a wrong password and a disabled account. */
export class InvalidCredentialsError extends ApiError {
  constructor() {
    super({
      status: 401,
      code: 'INVALID_CREDENTIALS',
      detail: 'E-mail address or password is wrong.',
      headers: { 'WWW-Authenticate': 'Bearer' },
    });
  }
}

/** 403: signed in, but the current password given to confirm an act is wrong. Nothing has changed. */
export class WrongPasswordError extends ApiError {
  /** @param field the input that held it */
  constructor(field = 'currentPassword') {
    super({
      status: 403,
      code: 'WRONG_PASSWORD',
      detail: 'The current password is not right. Nothing has changed.',
      errors: [{ field, code: 'wrong', message: 'must be your current password' }],
    });
  }
}
