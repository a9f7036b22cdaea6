import type { IncomingHttpHeaders } from 'node:http';

/**
 * Whether a browser says that a form came from our own pages. A request that says nothing passes: the anti-forgery
 * token decides.
 *
 * Our pages send no referrer, which makes browsers write `Origin: null` into their forms' requests (Fetch standard,
 * "append a request Origin header"); the same word stands for a sandboxed frame of anybody. `Sec-Fetch-Site` tells the
 * two apart. Browsers leave it out only where the address is plain http and not this machine.
 */
export function comesFromOwnOrigin(headers: IncomingHttpHeaders, publicUrl: string): boolean {
  const { origin } = headers;
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return false;
  if (origin === 'null') return site === 'same-origin' || !sendsFetchMetadata(publicUrl);
  return origin === undefined || origin === new URL(publicUrl).origin;
}

function sendsFetchMetadata(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol === 'https:' || /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
}
