import { ApiError, UnavailableError } from './api-error';

/**
 * What PostgreSQL says when it cannot serve any statement: connections (08), read-only (25006) or too slow
 * (25P03), serialization and deadlocks (40), resources such as disk and memory (53), locks (55P03), an operator or a
 * timeout (57), the machine below (58).
 */
const SQL_STATES = /^(08|40|53|57|58)...$|^(25006|25P03|55P03)$/;
const SYSTEM_ERRORS =
  /^(ECONN(REFUSED|RESET|ABORTED)|EPIPE|ETIMEDOUT|E(HOST|NET)UNREACH|ENOTFOUND|EAI_AGAIN)$/;
/** What the driver says without a code. */
const DRIVER_ERRORS =
  /^(timeout exceeded when trying to connect|Connection terminated|Query read timeout|Client has encountered a connection error|Driver not Connected)/;

/**
 * An error as it is answered: one that says that the database is away, slow or full becomes a 503, so that a client tries
 * again; it is the same for every client and every account.
 */
export function asAnswerable(error: unknown): unknown {
  return isOutage(error) ? new UnavailableError() : error;
}

/** Whether an error is about a part we need, and not about the request. */
export function isOutage(error: unknown): boolean {
  if (!(error instanceof Error) || error instanceof ApiError) return false;
  if (isHangUp(error)) return false;
  const { code, message } = error as { code?: unknown; message: string };
  if (typeof code === 'string' && (SQL_STATES.test(code) || SYSTEM_ERRORS.test(code))) return true;
  return DRIVER_ERRORS.test(message);
}

/** Whether a client went away in the middle of its body: of all lost connections the adapters give only this one a status. */
export function isHangUp(error: unknown): boolean {
  const { code, statusCode } = (error ?? {}) as { code?: unknown; statusCode?: unknown };
  return statusCode === 400 && /^ECONN(RESET|ABORTED)$/.test(String(code));
}
