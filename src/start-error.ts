import { dataDirectory } from './local-parts';
import { SettingsError } from './env';

type SystemError = NodeJS.ErrnoException & { port?: number; address?: string; hostname?: string };

const NO_ANSWER_IN_TIME = 'The database does not answer in time. Check host and port in DATABASE_URL.';

/** Causes of a failed start that an operator can mend, by the code of the error. */
const CAUSES: Record<string, (error: SystemError) => string> = {
  EADDRINUSE: ({ port, address }) =>
    `${address}:${port} is taken by another program. Stop it, or set PORT to another port.`,
  EADDRNOTAVAIL: ({ address }) =>
    `This machine has no address ${address}. Set HOST to one it has, e.g. 0.0.0.0.`,
  EACCES: ({ path, port }) =>
    path
      ? `${path} is not readable and writable for this user. Change its owner or mode.`
      : `Port ${port} needs rights that this user has not. Set PORT to 1024 or above.`,
  EROFS: ({ path }) =>
    `${path ?? dataDirectory} is on a read-only file system. Run in a folder that can be written.`,
  ECONNREFUSED: () => 'The database does not answer. Is the server of DATABASE_URL running?',
  ENOTFOUND: ({ hostname }) => `The host ${hostname} is unknown. Check its name in DATABASE_URL or HOST.`,
  ETIMEDOUT: () => NO_ANSWER_IN_TIME,
  '28P01': () => 'The database refuses user or password. Check DATABASE_URL.',
  '28000': () => 'The database refuses this user. Check DATABASE_URL and the server’s pg_hba.conf.',
  '3D000': () => 'The database named in DATABASE_URL does not exist. Create it first.',
};

/** The same for errors without a code, by their words. */
const WORDS: [RegExp, string][] = [
  [
    /^pg-boss (is not installed|database requires migrations)$/,
    'The database has no tables of ours, or old ones. Run: npm run cli -- migrate',
  ],
  [/timeout expired|connection timeout/, NO_ANSWER_IN_TIME],
  [/client password must be a string/, 'The database asks for a password. Put one into DATABASE_URL.'],
  [
    /^Connection terminated unexpectedly$/,
    'What DATABASE_URL leads to hangs up at once. Is it a PostgreSQL server? Check host and port.',
  ],
  [
    /^The server does not support SSL connections$/,
    'The database does not speak TLS. Check sslmode in DATABASE_URL.',
  ],
];

/** What to tell the operator about a start that failed: what is wrong and how to mend it, without a stack. */
export function explainStartError(error: unknown): string {
  if (error instanceof SettingsError) return error.problems.join('\n');
  for (const cause of causesOf(error)) {
    const { code, message } = cause as { code?: string; message?: string };
    const explain = code === undefined ? undefined : CAUSES[code];
    if (explain) return explain(cause as SystemError);
    const known = WORDS.find(([words]) => words.test(message ?? ''));
    if (known) return known[1];
  }
  return error instanceof Error ? error.message : String(error);
}

/** An error, and what it wraps: TypeORM in `driverError`, Node in `cause` or, for several addresses of a host, `errors`. */
function causesOf(error: unknown): object[] {
  if (typeof error !== 'object' || error === null) return [];
  const { cause, driverError, errors } = error as {
    cause?: unknown;
    driverError?: unknown;
    errors?: unknown[];
  };
  return [error, ...[cause, driverError, ...(errors ?? [])].flatMap(causesOf)];
}
