import type { ClientConfig } from 'pg';
import { DatabaseClient } from './database-client';

/** The database cannot be used as it is set up; the message says what to change. */
export class UnfitDatabaseError extends Error {}

/** What the program relies on, of the server and of what a session begins with. */
interface ServerFacts {
  version: number;
  encoding: string;
  dateStyle: string;
  isolation: string;
  /** Where our list of migrations is, if anywhere. */
  migrationsSchema: string | null;
}

/** What there is to know of a server before the first connection of the pool. */
export interface CheckedServer {
  /** Whether it takes timeouts with the connection: a pooler such as PgBouncer refuses them there. */
  takesTimeouts: boolean;
  /** The schema with the list of migrations that have run. */
  migrationsSchema: string;
}

export const MIGRATIONS_TABLE = 'latchkey_migrations';
/** Where a new list is made. Earlier versions made it in the first schema of the search path, where it then stays. */
const MIGRATIONS_SCHEMA = 'latchkey';

const FACTS = `SELECT current_setting('server_version_num')::int AS version, current_setting('server_encoding') AS encoding,
  current_setting('DateStyle') AS "dateStyle", current_setting('default_transaction_isolation') AS isolation,
  (SELECT nspname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
   WHERE relname = '${MIGRATIONS_TABLE}' AND relkind = 'r' ORDER BY nspname LIMIT 1) AS "migrationsSchema"`;

const OLDEST_VERSION = 140_000;

/**
 * Opens one connection as all others will be opened, and checks what the program relies on.
 *
 * @throws UnfitDatabaseError with the cure; the driver's error where no connection can be opened
 */
export async function checkServer(config: ClientConfig, timeouts: ClientConfig): Promise<CheckedServer> {
  let takesTimeouts = true;
  const facts = await readFacts({ ...config, ...timeouts }).catch((error: Error) => {
    if (!/unsupported startup parameter/.test(error.message)) throw error;
    takesTimeouts = false;
    return readFacts(config);
  });
  const problems = problemsOf(facts);
  if (problems.length > 0) throw new UnfitDatabaseError(problems.join('\n'));
  return { takesTimeouts, migrationsSchema: facts.migrationsSchema ?? MIGRATIONS_SCHEMA };
}

async function readFacts(config: ClientConfig): Promise<ServerFacts> {
  const client = new DatabaseClient(config);
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query<ServerFacts>(FACTS);
    return rows[0]!;
  } finally {
    await client.end();
  }
}

function problemsOf({ version, encoding, dateStyle, isolation }: ServerFacts): string[] {
  const problems: string[] = [];
  if (version < OLDEST_VERSION)
    problems.push(
      `The database is PostgreSQL ${Math.floor(version / 10_000)}. Version 14 or later is needed.`,
    );
  if (encoding !== 'UTF8')
    problems.push(
      `The database has the encoding ${encoding}, which cannot hold every name. ` +
        `Create one with UTF8: CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0`,
    );
  // Sent with every connection: only a pooler that keeps it to itself gets here.
  if (!dateStyle.startsWith('ISO'))
    problems.push(
      `The database writes dates in the style ${dateStyle}, which would be read wrongly. ` +
        `Run: ALTER ROLE … SET datestyle = 'ISO' (for the role in DATABASE_URL), then restart the pooler.`,
    );
  if (isolation !== 'read committed')
    problems.push(
      `Transactions begin as ${isolation} here, so that requests at the same moment would fail. ` +
        `Run: ALTER ROLE … SET default_transaction_isolation = 'read committed' (for the role in DATABASE_URL).`,
    );
  return problems;
}
