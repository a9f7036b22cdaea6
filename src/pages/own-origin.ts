import type { IncomingHttpHeaders } from 'node:http';

/**
 * Whether a form may have come from our own pages, by the headers of the browser. The anti-forgery token decides the rest.
 *
 * `Origin: null` proves nothing: browsers send it with the forms of a page whose referrer policy is `no-referrer`, such as
 * the page of a mailed link (Fetch standard, "append a request Origin header"), and with those of a sandboxed frame.
 * `Sec-Fetch-Site` tells the two apart, but Safari before 16.4, Firefox before 90 and browsers on plain http do not send it,
 * and some proxies remove it.
 */
export function comesFromOwnOrigin(headers: IncomingHttpHeaders, publicUrl: string): boolean {
  const { origin } = headers;
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return false;
  return origin === undefined || origin === 'null' || origin === new URL(publicUrl).origin;
}

/** @returns the origin of the page whose form is refused, if it is another address of this server */
export function otherOwnOrigin({ origin, host }: IncomingHttpHeaders): string | undefined {
  const url = origin !== undefined && URL.canParse(origin) ? new URL(origin) : undefined;
  return url !== undefined && url.host === host ? url.origin : undefined;
}
