import { maskEmail } from './email-address';
import { isOutage } from './outage';

/** Begins only where a word begins: from every letter of a long word, the search would take the square of its length. */
const ADDRESS = /(?<![^\s<>()[\]"':;,@])[^\s<>()[\]"':;,@]+@[^\s<>()"':;,@]+/g;

/**
 * An error for the log: kind, message and place, never the data that it carries (a driver's error object holds the
 * values of the failed statement). Mail servers quote the recipient in their replies, so addresses are masked.
 */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return 'a value that is no Error was thrown';
  // Where the code noticed that a server is away says nothing, and while it is away there are many such errors.
  const place = isOutage(error) ? '' : (/\n {4}at .*/s.exec(error.stack ?? '')?.[0] ?? '');
  return `${error.name}: ${error.message.replace(ADDRESS, maskEmail)}${place}`;
}

/** A name, or the codes of a mail server's reply and what it answers. */
const CODE = /^([\w.-]{1,40}|[245]\d\d( [245](\.\d{1,3}){2})?( at [A-Z]{1,10})?)$/;

/**
 * What an error is, for a table or an event: the reply of a mail server (`451`, `535 5.7.8 at AUTH`), the code of the system
 * (`ECONNREFUSED`) or of the database (`57P01`), else its kind. Never a text, which may quote what must not rest there.
 */
export function errorCode(error: unknown): string {
  const { responseCode, code, name } = (error ?? {}) as Record<string, string | number | undefined>;
  const known = String(responseCode ?? code ?? name);
  return CODE.test(known) ? known : 'unknown';
}
