import { ApiError } from '../common';

/** 400: no link of ours, or one whose account is gone. Tells nothing about why. */
export class ResetTokenInvalidError extends ApiError {
  constructor() {
    super({
      status: 400,
      code: 'RESET_TOKEN_INVALID',
      detail: 'This link is not valid. Open the link of the mail as it is, or ask for a new one.',
    });
  }
}

/** 410: a genuine link whose time is over. */
export class ResetTokenExpiredError extends ApiError {
  constructor() {
    super({ status: 410, code: 'RESET_TOKEN_EXPIRED', detail: 'This link has expired. Ask for a new one.' });
  }
}

/** 410: a genuine link that was used, or that died because the password was changed on another road. */
export class ResetTokenUsedError extends ApiError {
  constructor() {
    super({
      status: 410,
      code: 'RESET_TOKEN_USED',
      detail: 'This link has been used, or the password was changed after it was sent. Ask for a new one.',
    });
  }
}
