import { ApiError } from '../common';

/** 403: not the password that was chosen at the registration that the link belongs to. Nothing has changed. */
export class WrongRegistrationPasswordError extends ApiError {
  constructor() {
    super({
      status: 403,
      code: 'WRONG_PASSWORD',
      detail: 'This is not the password that was chosen at the registration. Nothing has changed.',
      errors: [{ field: 'password', code: 'wrong', message: 'must be the one chosen at the registration' }],
    });
  }
}
