import { isLoopback } from '../../common';
import { hostOf, openAddresses } from './checks';
import { settingDescriptions } from './setting.decorators';
import type { Settings } from './settings';

/**
 * What is allowed and may be meant, but is worth a line in the log at every start.
 * @param driverMode `PGSSLMODE`, by which the PostgreSQL driver uses TLS where `DATABASE_URL` does not say
 */
export function settingWarnings(settings: Settings, driverMode = ''): string[] {
  if (settings.environment === 'production') return clearTextWarnings(settings, driverMode);
  const open = openAddresses(settings);
  if (open.length === 0) return [];
  return [
    `NODE_ENV is not production, but ${open.join(' and ')} would let others in: nothing that production refuses is checked.`,
  ];
}

/** On a private network too: those who can read there read links, hashes and addresses. */
function clearTextWarnings(settings: Settings, driverMode: string): string[] {
  return [databaseWarning(settings, driverMode), redisWarning(settings), mailWarning(settings)].filter(
    (warning) => warning !== undefined,
  );
}

/** The modes in which the driver insists on TLS. */
const TLS_MODES = ['prefer', 'require', 'verify-ca', 'verify-full', 'no-verify'];

function databaseWarning({ databaseUrl }: Settings, driverMode: string): string | undefined {
  const host = hostOf(databaseUrl);
  // Without a host, or with a path for one, it is a Unix socket.
  if (databaseUrl === undefined || !host || /^%2f/i.test(host) || isLoopback(host)) return undefined;
  const query = new URL(databaseUrl).searchParams;
  const mode = query.get('sslmode') ?? driverMode;
  const encrypted = TLS_MODES.includes(mode) || /^(true|1)$/.test(query.get('ssl') ?? '');
  if (encrypted || query.get('host')?.startsWith('/')) return undefined;
  return 'DATABASE_URL: the connection to the database is not encrypted. Add ?sslmode=verify-full to it.';
}

function redisWarning({ redisUrl }: Settings): string | undefined {
  const host = hostOf(redisUrl);
  if (!host || isLoopback(host) || redisUrl!.startsWith('rediss:')) return undefined;
  return 'REDIS_URL: the connection to Redis is not encrypted. Begin it with rediss:// if the server supports TLS.';
}

function mailWarning({ mailServer, mailPort, mailUseTls, mailUsername }: Settings): string | undefined {
  const required = mailPort === 465 || mailUsername !== undefined || mailUseTls === true;
  if (!mailServer || isLoopback(mailServer) || required) return undefined;
  return 'MAIL_USE_TLS: without it, mails with links may travel to the mail server in clear text. Set it to 1.';
}

/** Shorter names are close to too many words. */
const SHORTEST_TYPO = 6;

/** Read by the PostgreSQL driver itself. */
const OF_THE_DRIVER = /^PG[A-Z]+$/;

/**
 * Finds names that look like settings and are none: a misspelled one silently leaves its setting at the default. Only
 * warnings, because other programs may share the environment or the file.
 * @param variables the whole environment, that of the file included
 * @param inFile names in the file `.env`: each that is not a setting is reported
 */
export function nameWarnings(variables: Record<string, unknown>, inFile: string[]): string[] {
  const names = settingDescriptions.map(({ name }) => name);
  const meant = (name: string) => names.find((other) => !(other in variables) && isTypoOf(name, other));
  const strange = Object.keys(variables).filter((name) => !names.includes(name));
  const typos = strange.filter((name) => name.length >= SHORTEST_TYPO && meant(name));
  const unknown = inFile.filter(
    (name) => strange.includes(name) && !typos.includes(name) && !OF_THE_DRIVER.test(name),
  );
  return [
    ...typos.map((name) => `${visible(name)} is no setting. Did you mean ${meant(name)}?`),
    ...(unknown.length > 0
      ? [`The file .env has names that are no settings: ${unknown.map(visible).join(', ')}`]
      : []),
  ];
}

/** One letter more, less or another, two that have changed places, or a matter of case and other signs. */
function isTypoOf(name: string, other: string): boolean {
  const plain = (text: string) => text.toUpperCase().replace(/[^A-Z\d]/g, '');
  if (plain(name) === plain(other)) return true;
  const [left, right] = difference(name, other);
  return (
    (left.length <= 1 && right.length <= 1) ||
    (left.length === 2 && right.length === 2 && left[0] === right[1] && left[1] === right[0])
  );
}

/** What is left of two words without what they have in common at the beginning and at the end. */
function difference(a: string, b: string): [string, string] {
  const shorter = Math.min(a.length, b.length);
  let start = 0;
  while (start < shorter && a[start] === b[start]) start++;
  let end = 0;
  while (end < shorter - start && a.at(-1 - end) === b.at(-1 - end)) end++;
  return [a.slice(start, a.length - end), b.slice(start, b.length - end)];
}

/** A byte-order mark or another sign that nobody sees would make the line look wrong. */
function visible(name: string): string {
  return name.replace(/[^\x21-\x7e]/gu, (sign) => `\\u{${sign.codePointAt(0)!.toString(16)}}`);
}
