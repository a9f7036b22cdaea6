import { dataDirectory } from './embedded-services';
import { SettingsError } from './settings';

type SystemError = NodeJS.ErrnoException & { port?: number; address?: string; hostname?: string };

const NO_ANSWER_IN_TIME = 'The database does not answer in time. Check host and port in DATABASE_URL.';

const UNKNOWN_AUTHORITY =
  'The database’s certificate was issued by an authority that is unknown here. Save the certificate of that authority as a ' +
  'file, and add sslrootcert=/path/to/it to DATABASE_URL, or name the file in the variable NODE_EXTRA_CA_CERTS.';

/** Causes of a failed start that an operator can fix, by error code. */
const CAUSES: Record<string, (error: SystemError) => string> = {
  EADDRINUSE: ({ port, address }) =>
    `${address}:${port} is in use by another program. Stop it, or set PORT to another port.`,
  EADDRNOTAVAIL: ({ address }) =>
    `This machine has no address ${address}. Set HOST to one it has, e.g. 0.0.0.0.`,
  EACCES: ({ path, port }) =>
    path
      ? `${path} is not readable and writable for this user. Change its owner or mode.`
      : `This user may not listen on port ${port}. Set PORT to 1024 or above.`,
  EROFS: ({ path }) => `${path ?? dataDirectory} is on a read-only file system. Run in a writable folder.`,
  ECONNREFUSED: () => 'The database does not answer. Is the server of DATABASE_URL running?',
  ENOTFOUND: ({ hostname }) => `The host ${hostname} is unknown. Check its name in DATABASE_URL or HOST.`,
  ETIMEDOUT: () => NO_ANSWER_IN_TIME,
  '28P01': () => 'The database refuses the user or password. Check DATABASE_URL.',
  '28000': ({ message }) =>
    /no encryption/.test(message)
      ? 'The database accepts only encrypted connections. Add ?sslmode=require to DATABASE_URL.'
      : 'The database refuses this user. Check DATABASE_URL and the server’s pg_hba.conf.',
  '42501': ({ message }) =>
    `The database says: ${message}. As the user of DATABASE_URL, migrate needs CREATE on the database ` +
    '(GRANT CREATE ON DATABASE … TO …), and the server the rights of docs/run.md, "Install and start".',
  '08P01': ({ message }) =>
    `The database, or the pooler in front of it, refuses the connection: ${message}. ` +
    'See docs/run.md, "Managed databases and poolers".',
  '53300': () =>
    'The database has no free connection. Lower DATABASE_POOL_SIZE, stop other programs, or raise its max_connections.',
  '57P03': () => 'The database is starting up or shutting down. Start again in a moment.',
  '25006': () => 'The database is read-only, perhaps a standby. Set DATABASE_URL to the primary server.',
  ...Object.fromEntries(
    [
      'DEPTH_ZERO_SELF_SIGNED_CERT',
      'SELF_SIGNED_CERT_IN_CHAIN',
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      'UNABLE_TO_GET_ISSUER_CERT',
      'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
    ].map((code) => [code, () => UNKNOWN_AUTHORITY]),
  ),
  CERT_HAS_EXPIRED: () => 'The database’s certificate has expired. Renew it on the database’s server.',
  ERR_TLS_CERT_ALTNAME_INVALID: () =>
    'The database’s certificate is for another host. Use the host it names in DATABASE_URL.',
  '42P01': () => 'The database lacks our tables, or they are out of date. Run: npm run cli -- migrate',
  '3D000': () => 'The database named in DATABASE_URL does not exist. Create it first.',
};

/** The same for errors without a code, by message. */
const MESSAGES: [RegExp, string][] = [
  [/timeout expired|connection timeout/, NO_ANSWER_IN_TIME],
  [/client password must be a string/, 'The database requires a password. Add it to DATABASE_URL.'],
  [
    /^Connection terminated unexpectedly$/,
    'The server at DATABASE_URL hangs up at once. Is it a PostgreSQL server? Check host and port.',
  ],
  [
    /^The server does not support SSL connections$/,
    'The database does not speak TLS. Check sslmode in DATABASE_URL.',
  ],
];

/** Explains a failed start to the operator: the problem and its fix, without a stack trace. */
export function explainStartError(error: unknown): string {
  if (error instanceof SettingsError) return error.problems.join('\n');
  for (const cause of causesOf(error)) {
    const { code, message } = cause as { code?: string; message?: string };
    const explain = code === undefined ? undefined : CAUSES[code];
    if (explain) return explain(cause as SystemError);
    const known = MESSAGES.find(([pattern]) => pattern.test(message ?? ''));
    if (known) return known[1];
  }
  return error instanceof Error ? error.message : String(error);
}

/** An error and those it wraps: TypeORM in `driverError`, Node in `cause` or, for several addresses of a host, `errors`. */
function causesOf(error: unknown): object[] {
  if (typeof error !== 'object' || error === null) return [];
  const { cause, driverError, errors } = error as {
    cause?: unknown;
    driverError?: unknown;
    errors?: unknown[];
  };
  return [error, ...[cause, driverError, ...(errors ?? [])].flatMap(causesOf)];
}
