import type { FlashName } from './flash';

/** Where a dead link leads, and the message there, by the code of the error. */
export interface DeadLinks {
  path: `/${string}`;
  reasons: Partial<Record<string, FlashName>>;
}

export const DEAD_RESET_LINKS: DeadLinks = {
  path: '/reset_password_request',
  reasons: {
    RESET_TOKEN_EXPIRED: 'linkExpired',
    RESET_TOKEN_USED: 'linkUsed',
    RESET_TOKEN_INVALID: 'linkInvalid',
  },
};

export const DEAD_REGISTRATION_LINKS: DeadLinks = {
  path: '/register',
  reasons: {
    LINK_EXPIRED: 'registrationLinkExpired',
    LINK_USED: 'registrationLinkUsed',
    LINK_INVALID: 'registrationLinkInvalid',
  },
};

export const DEAD_ACTION_LINKS: DeadLinks = {
  // From there people who are signed in go on to the index, with the message.
  path: '/login',
  reasons: {
    LINK_EXPIRED: 'actionLinkExpired',
    LINK_USED: 'actionLinkUsed',
    LINK_INVALID: 'actionLinkInvalid',
    ADDRESS_MOVED: 'actionLinkMoved',
  },
};
