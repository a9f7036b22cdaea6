import { requestSource } from './request-source';
import { SampledEvents, type SecurityAct } from '../common';

/** By the code of the response. Any other is no denial, or is recorded where it is decided. */
const ACTS: Partial<Record<string, SecurityAct>> = {
  UNAUTHENTICATED: 'access_refused',
  LINK_INVALID: 'link_refused',
  RESET_TOKEN_INVALID: 'link_refused',
  VALIDATION_FAILED: 'request_refused',
  BAD_REQUEST: 'request_refused',
  PAYLOAD_TOO_LARGE: 'request_refused',
};

/** A request of any HTTP adapter. */
interface RefusedRequest {
  ip?: string;
  headers?: Record<string, string | string[] | undefined>;
  routeOptions?: { url?: string };
  route?: { path?: unknown };
}

/**
 * Records a refusal that may be an attempt to probe: forged tokens, and requests that no legitimate client sends (ASVS
 * 16.3.2, 16.3.3). Does nothing for any other.
 * @param reason code of the response
 */
export async function recordDenial(
  events: SampledEvents,
  reason: string,
  request: RefusedRequest,
): Promise<void> {
  const act = ACTS[reason];
  if (!act) return;
  // The route and never the path, which may contain a token.
  const route = request.routeOptions?.url ?? request.route?.path;
  const details = { reason, route: typeof route === 'string' ? route : 'unknown' };
  await events.record({ act, outcome: 'failure', source: requestSource(request), details });
}
