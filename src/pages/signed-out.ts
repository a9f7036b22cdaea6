/** Query parameter that tells the index that somebody has just signed out. */
export const SIGNED_OUT_PARAMETER = 'signed_out';

/** Where signing out leads. The message is in the address, because a sign-out leaves no cookie behind. */
export const SIGNED_OUT = `/?${SIGNED_OUT_PARAMETER}` as const;

/** Query parameter that tells the login that it takes the place of a page whose session has ended. */
export const SESSION_OVER_PARAMETER = 'session_over';

/** Where a form leads whose session has ended. In the address, so that a message of the page before is not lost. */
export const SESSION_OVER = `/login?${SESSION_OVER_PARAMETER}` as const;
