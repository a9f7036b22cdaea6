import { ApiError } from './api-error';

/** 400: no link of ours, or one whose account is gone. Tells nothing about why. */
export class LinkInvalidError extends ApiError {
  constructor() {
    super({
      status: 400,
      code: 'LINK_INVALID',
      detail: 'This link is not valid. Open the link of the mail as it is.',
    });
  }
}

/** 410: a genuine link whose time is over. */
export class LinkExpiredError extends ApiError {
  constructor() {
    super({ status: 410, code: 'LINK_EXPIRED', detail: 'This link has expired. Begin anew.' });
  }
}

/** 410: a genuine link that was used, or that something else has made void. */
export class LinkUsedError extends ApiError {
  constructor() {
    super({ status: 410, code: 'LINK_USED', detail: 'This link has been used or is void. Begin anew.' });
  }
}
