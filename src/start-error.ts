import { dataDirectory } from './local-parts';
import { SettingsError } from './env';

/** Causes of a failed start that an operator can mend, by the code of the error. */
const CAUSES: Record<string, (error: NodeJS.ErrnoException & { port?: number; address?: string }) => string> =
  {
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
    ENOTFOUND: () => 'The host in DATABASE_URL is unknown. Check its name.',
    ETIMEDOUT: () => 'The database does not answer in time. Check host and port in DATABASE_URL.',
    '28P01': () => 'The database refuses user or password. Check DATABASE_URL.',
    '28000': () => 'The database refuses this user. Check DATABASE_URL and the server’s pg_hba.conf.',
    '3D000': () => 'The database named in DATABASE_URL does not exist. Create it first.',
  };

/** What to tell the operator about a start that failed: what is wrong and how to mend it, without a stack. */
export function explainStartError(error: unknown): string {
  if (error instanceof SettingsError) return error.problems.join('\n');
  for (const cause of causesOf(error)) {
    const { code, message } = cause as { code?: string; message?: string };
    const explain = code === undefined ? undefined : CAUSES[code];
    if (explain) return explain(cause as NodeJS.ErrnoException);
    if (message === 'pg-boss is not installed' || message === 'pg-boss database requires migrations') {
      return 'The database has no tables of ours, or old ones. Run: npm run cli -- migrate';
    }
    if (message?.includes('timeout expired')) return CAUSES['ETIMEDOUT']!(cause as NodeJS.ErrnoException);
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
