import { ApiError } from '../common';

/** 400: a forged link, or one whose account is deleted or disabled. Does not reveal which. */
export class ResetTokenInvalidError extends ApiError {
  constructor() {
    super({
      status: 400,
      code: 'RESET_TOKEN_INVALID',
      detail: 'This link is not valid. Open the link in the mail unchanged, or request a new one.',
    });
  }
}

/** 410: a genuine link that has expired. */
export class ResetTokenExpiredError extends ApiError {
  constructor() {
    super({ status: 410, code: 'RESET_TOKEN_EXPIRED', detail: 'This link has expired. Request a new one.' });
  }
}

/** 410: a genuine link that was used, or revoked by something else, such as a change of the password. */
export class ResetTokenUsedError extends ApiError {
  constructor() {
    super({
      status: 410,
      code: 'RESET_TOKEN_USED',
      detail:
        'This link has been used or revoked. If you have set a password with it, sign in; if not, request a new one.',
    });
  }
}
