import { ApiError, ValidationFailedError } from '../common';

/** 400: the new address is the present address of the account. */
export class OwnAddressError extends ValidationFailedError {
  constructor() {
    super([{ field: 'email', code: 'unchanged', message: 'must not be the address that you already have' }]);
  }
}

/** 401: a link alone does not prove that the owner of the account uses it. Nothing has changed. */
export class PasswordRequiredError extends ApiError {
  constructor() {
    super({
      status: 401,
      code: 'PASSWORD_REQUIRED',
      detail:
        'Send the password of the account, or an access token of one of its sessions. Nothing has changed.',
      errors: [{ field: 'password', code: 'required', message: 'must be the password of the account' }],
      headers: { 'WWW-Authenticate': 'Bearer' },
    });
  }
}
