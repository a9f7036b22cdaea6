import { ApiError } from '../common';

/** 401, alike for an unknown address, a wrong password and a disabled account. */
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
