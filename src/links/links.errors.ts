import { ApiError } from '../common';

/** 400: not a link of ours, or one whose account is gone. Does not say which. */
export class LinkInvalidError extends ApiError {
  constructor() {
    super({
      status: 400,
      code: 'LINK_INVALID',
      detail: 'This link is not valid. Open the link from the mail exactly as it is.',
    });
  }
}

/** 410: a genuine link whose time is over. */
export class LinkExpiredError extends ApiError {
  constructor() {
    super({ status: 410, code: 'LINK_EXPIRED', detail: 'This link has expired. Request a new one.' });
  }
}

/** 410: a genuine link, mailed to an address that the account no longer has. It can do nothing to the account. */
export class AddressMovedError extends ApiError {
  constructor() {
    super({
      status: 410,
      code: 'ADDRESS_MOVED',
      detail:
        'The account has another email address now, so this link does nothing. If you did not change it, request a password reset for the address that received this link.',
    });
  }
}

/** 410: a genuine link that was used or revoked. */
export class LinkUsedError extends ApiError {
  constructor() {
    super({
      status: 410,
      code: 'LINK_USED',
      detail: 'This link has already been used or was revoked. Request a new one.',
    });
  }
}
