/** Name of the query parameter by which the index knows that somebody has just signed out. */
export const SIGNED_OUT_PARAMETER = 'signed_out';

/**
 * Where signing out leads. The message rides in the address: a cookie would not survive the `Clear-Site-Data` of the
 * same answer.
 */
export const SIGNED_OUT = `/?${SIGNED_OUT_PARAMETER}` as const;
