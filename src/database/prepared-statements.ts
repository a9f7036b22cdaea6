import { Injectable, Logger, OnModuleInit, Optional } from '@nestjs/common';
import { createHash } from 'node:crypto';
import type { ClientBase, QueryResult, QueryResultRow } from 'pg';
import { DataSource, QueryFailedError, QueryRunner } from 'typeorm';
import { DatabaseOptions } from './database.options';

/** Of a name that the session does not know (26000), or that another connection has given already (42P05). */
const SHARED_SESSION = /^(26000|42P05)$/;
const CHECK = { name: 'latchkey_check', text: 'SELECT 1' };

/**
 * Runs statements of ours on the driver, prepared: each connection parses and plans a statement once, under a name that
 * stands for its text. That needs a session for each connection. The embedded database has one session for all, and so
 * have, by chance, poolers in transaction mode that know nothing of prepared statements (PgBouncer before 1.21); there
 * statements have no names.
 */
@Injectable()
export class PreparedStatements implements OnModuleInit {
  private readonly logger = new Logger('Database');
  private readonly names = new Map<string, string>();
  private usable = false;

  constructor(
    private readonly database: DataSource,
    @Optional() private readonly options?: DatabaseOptions,
  ) {}

  /** Until then, nothing is prepared. */
  async onModuleInit(): Promise<void> {
    if (this.options?.preparedStatements !== false) this.usable = await this.hasSessions();
  }

  /**
   * Runs one statement.
   * @param text always the same for the same purpose, with what differs in the values: it is kept, here and in the database
   * @throws QueryFailedError
   */
  async run<Row extends QueryResultRow>(
    runner: QueryRunner,
    text: string,
    values: unknown[],
  ): Promise<QueryResult<Row>> {
    const client = (await runner.connect()) as ClientBase;
    const name = this.usable ? this.nameOf(text) : undefined;
    this.database.logger.logQuery(text, values, runner);
    try {
      return await client.query<Row>({ name, text, values });
    } catch (error) {
      if (!name || !isOfSharedSession(error)) throw new QueryFailedError(text, values, error as Error);
      this.giveUp();
      // It was refused before it did anything. A transaction is lost nevertheless.
      if (runner.isTransactionActive) throw new QueryFailedError(text, values, error);
      return this.run(runner, text, values);
    }
  }

  /** Whether two connections can use one name for themselves: where they share a session, the second cannot. */
  private async hasSessions(): Promise<boolean> {
    if (mostConnections(this.database) < 2) return false;
    const runners = [this.database.createQueryRunner(), this.database.createQueryRunner()];
    try {
      const clients = await Promise.all(runners.map((runner) => runner.connect() as Promise<ClientBase>));
      for (const client of clients) await client.query(CHECK);
      return true;
    } catch (error) {
      if (!isOfSharedSession(error)) throw error;
      this.logger.debug('connections share a session: no statement is prepared');
      return false;
    } finally {
      await Promise.all(runners.map((runner) => runner.release()));
    }
  }

  private giveUp(): void {
    if (this.usable)
      this.logger.warn(
        'The pooler does not keep prepared statements: none are used from now on. ' +
          'Set DATABASE_PREPARED=off, or the option preparedStatements of DatabaseModule.',
      );
    this.usable = false;
  }

  private nameOf(text: string): string {
    const known = this.names.get(text);
    if (known) return known;
    const name = `latchkey_${createHash('sha256').update(text).digest('base64url').slice(0, 16)}`;
    this.names.set(text, name);
    return name;
  }
}

function isOfSharedSession(error: unknown): error is Error {
  return error instanceof Error && SHARED_SESSION.test((error as { code?: string }).code ?? '');
}

/** Of a host's own data source too. */
function mostConnections({ options }: DataSource): number {
  const { poolSize = 10, extra } = options as { poolSize?: number; extra?: { max?: number } };
  return extra?.max ?? poolSize;
}
